#include "object/value.h"

#include <gtest/gtest.h>

#include "object/object.h"

namespace tiphys {
namespace {

TEST(Node, fields_stay_sorted_whatever_the_order_of_setting) {
  Arena arena;
  Node* node = arena.make_node();
  for (uint16_t i : {5, 1, 9, 0, 7}) set_field(arena, *node, i, Value::of_int(i * 10));
  set_field(arena, *node, 7, Value());
  EXPECT_EQ(node->size, 4u);
  EXPECT_EQ(node->field(9).as_int(), 90);
  EXPECT_TRUE(node->field(7).is_null());
  EXPECT_TRUE(node->field(65535).is_null());
}

TEST(Node, map_entries_are_found_and_erased) {
  Arena arena;
  Node* map = arena.make_node();
  for (const char* key : {"b", "", "a", "c"}) set_entry(arena, *map, key, arena.string(key));
  set_entry(arena, *map, "b", Value());
  EXPECT_EQ(map->entries(), 3u);
  EXPECT_EQ(map->find("c").as_text(), "c");
  EXPECT_TRUE(map->find("b").is_null());
}

TEST(Node, sorting_a_map_keeps_the_last_of_equal_keys) {
  Arena arena;
  Node* map = arena.make_node();
  int64_t n = 0;
  for (const char* key : {"b", "a", "b", "a", "c"}) {
    append(arena, *map, arena.string(key));
    append(arena, *map, Value::of_int(n++));
  }
  EXPECT_FALSE(sort_map(*map));
  EXPECT_EQ(map->entries(), 3u);
  EXPECT_EQ(map->find("a").as_int(), 3);
  EXPECT_EQ(map->find("b").as_int(), 2);
  EXPECT_TRUE(sort_map(*map));
}

TEST(Node, lists_grow_and_shrink_anywhere) {
  Arena arena;
  Node* list = arena.make_node();
  for (int i = 0; i < 100; ++i) append(arena, *list, Value::of_int(i));
  insert_item(arena, *list, 50, Value::of_int(-1));
  erase_item(*list, 0);
  EXPECT_EQ(list->size, 100u);
  EXPECT_EQ(list->data[49].as_int(), -1);
}

TEST(Arena, large_and_small_allocations_are_aligned) {
  Arena arena;
  for (size_t size : {1ul, 3ul, 100'000ul, 7ul, 1'000'000ul, 8ul}) {
    auto* at = static_cast<char*>(arena.allocate(size));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % 8, 0u);
    memset(at, 1, size);
  }
}

TEST(Value, equality_is_structural) {
  Arena arena;
  Value list = arena.make(ValueType::kList);
  append(arena, *list.node, arena.string("x"));
  Value copy = arena.clone(list);
  EXPECT_TRUE(equal(list, copy));
  append(arena, *copy.node, Value::of_bool(true));
  EXPECT_FALSE(equal(list, copy));
}

}  // namespace
}  // namespace tiphys
