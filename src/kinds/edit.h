// Edit, ListEdit, MapEdit: what the generated editors of kinds/<package>.h are made of.
//
// An editor changes a Draft (its node and arena); texts and views that are set are copied into the
// draft. A non-pointer scalar that is set to zero becomes absent (canonical form, see
// object/value.h). An editor stays valid while its struct stays in the draft; one thread.
#pragma once
#include <string_view>
#include <type_traits>

#include "kinds/view.h"

namespace tiphys {

inline constexpr MicroTime whole_seconds(MicroTime time) {
  MicroTime rest = time % kMicrosPerSecond;
  return time - (rest < 0 ? rest + kMicrosPerSecond : rest);
}

class Edit {
 public:
  explicit Edit(Draft& draft) : arena_(&draft.arena()), node_(&draft.root()) {}
  Edit(Arena& arena, Node& node) : arena_(&arena), node_(&node) {}
  const Node& node() const { return *node_; }
  Node& node() { return *node_; }
  Arena& arena() { return *arena_; }

  // By field index: what generated editors are made of.
  Edit in(uint16_t i) { return Edit(*arena_, ensure_node(*arena_, *node_, i, ValueType::kStruct)); }
  template <class E>
  E as() {
    return E(*arena_, *node_);
  }
  template <class E>
  E open(uint16_t i, ValueType type) {
    return E(*arena_, ensure_node(*arena_, *node_, i, type));
  }
  void put_value(uint16_t i, const Value& v) { set_field(*arena_, *node_, i, arena_->clone(v)); }
  void put_copy(uint16_t i, ValueType type, const Node& from);
  void put_text(uint16_t i, std::string_view v, ValueType type, bool keep_empty) {
    set_field(*arena_, *node_, i, v.empty() && !keep_empty ? Value() : arena_->string(v, type));
  }
  void put_int(uint16_t i, int64_t v, bool keep_zero) {
    set_field(*arena_, *node_, i, v == 0 && !keep_zero ? Value() : Value::of_int(v));
  }
  void put_bool(uint16_t i, bool v, bool keep_zero) {
    set_field(*arena_, *node_, i, !v && !keep_zero ? Value() : Value::of_bool(v));
  }
  void put_double(uint16_t i, double v, bool keep_zero) {
    set_field(*arena_, *node_, i, v == 0 && !keep_zero ? Value() : Value::of_double(v));
  }
  void drop(uint16_t a) { set_field(*arena_, *node_, a, Value()); }
  void drop(uint16_t a, uint16_t b) {
    if (!node_->field(a).is_null()) in(a).drop(b);
  }
  void drop(uint16_t a, uint16_t b, uint16_t c) {
    if (!node_->field(a).is_null()) in(a).drop(b, c);
  }

 private:
  Arena* arena_;
  Node* node_;
};

inline void Edit::put_copy(uint16_t i, ValueType type, const Node& from) {
  set_field(*arena_, *node_, i, arena_->clone(Value::of_node(type, const_cast<Node*>(&from))));
}

// What an editor of items takes in: a view for structs, the value itself for scalars.
template <class E>
struct EditTraits {
  static constexpr bool kIsNode = false;
  using Input = E;
};
template <class E>
  requires requires { typename E::Reads; }
struct EditTraits<E> {
  static constexpr bool kIsNode = true;
  using Input = typename E::Reads;
};

template <class T>
Value make_item(Arena& arena, const T& item, ValueType text_type) {
  if constexpr (std::is_same_v<T, Value>) {
    return arena.clone(item);
  } else if constexpr (std::is_same_v<T, bool>) {
    return Value::of_bool(item);
  } else if constexpr (std::is_floating_point_v<T>) {
    return Value::of_double(item);
  } else if constexpr (std::is_integral_v<T>) {
    return Value::of_int(item);
  } else {
    return arena.string(item, text_type);
  }
}

// E: an editor class, or a scalar type. Lists of StringLists don't occur.
template <class E, ValueType kText = ValueType::kString>
class ListEdit {
 public:
  using Input = typename EditTraits<E>::Input;
  using Reads = ListView<Input>;
  ListEdit(Arena& arena, Node& node) : arena_(&arena), node_(&node) {}

  size_t size() const { return node_->size; }
  bool empty() const { return node_->size == 0; }
  Reads view() const { return Reads(*node_); }
  // Requires: i < size(). An editor for structs, the value for scalars.
  E operator[](size_t i) {
    if constexpr (EditTraits<E>::kIsNode) {
      return E(*arena_, *node_->data[i].node);
    } else {
      return read_item<E>(node_->data[i]);
    }
  }
  // Structs: adds an empty item.
  E append()
    requires EditTraits<E>::kIsNode
  {
    Value item = arena_->make(ValueType::kStruct);
    tiphys::append(*arena_, *node_, item);
    return E(*arena_, *item.node);
  }
  // Adds a deep copy.
  void append(const Input& item) {
    if constexpr (EditTraits<E>::kIsNode) {
      Node* from = const_cast<Node*>(&item.node());
      tiphys::append(*arena_, *node_, arena_->clone(Value::of_node(ValueType::kStruct, from)));
    } else {
      tiphys::append(*arena_, *node_, make_item(*arena_, item, kText));
    }
  }
  // Scalars. Requires: i < size().
  void set(size_t i, const Input& item)
    requires(!EditTraits<E>::kIsNode)
  {
    node_->data[i] = make_item(*arena_, item, kText);
  }
  void erase(size_t i) { erase_item(*node_, static_cast<uint32_t>(i)); }
  void clear() { node_->size = 0; }

 private:
  Arena* arena_;
  Node* node_;
};

template <class E, ValueType kText = ValueType::kString>
class MapEdit {
 public:
  using Input = typename EditTraits<E>::Input;
  using Reads = MapView<Input>;
  MapEdit(Arena& arena, Node& node) : arena_(&arena), node_(&node) {}

  size_t size() const { return node_->entries(); }
  bool empty() const { return node_->size == 0; }
  Reads view() const { return Reads(*node_); }
  bool contains(std::string_view key) const { return view().contains(key); }
  // Scalars and texts.
  void set(std::string_view key, const Input& item)
    requires(!EditTraits<E>::kIsNode)
  {
    set_entry(*arena_, *node_, key, make_item(*arena_, item, kText));
  }
  // Structs and string lists: the entry, created empty if absent.
  E edit(std::string_view key)
    requires EditTraits<E>::kIsNode
  {
    const Value& there = node_->find(key);
    if (!there.is_null()) return E(*arena_, *there.node);
    Value item = arena_->make(kNodeType);
    set_entry(*arena_, *node_, key, item);
    return E(*arena_, *item.node);
  }
  void set(std::string_view key, const Input& item)
    requires EditTraits<E>::kIsNode
  {
    Node* from = const_cast<Node*>(&item.node());
    set_entry(*arena_, *node_, key, arena_->clone(Value::of_node(kNodeType, from)));
  }
  void erase(std::string_view key) { set_entry(*arena_, *node_, key, Value()); }
  void clear() { node_->size = 0; }

 private:
  static constexpr ValueType kNodeType =
      std::is_base_of_v<Edit, E> ? ValueType::kStruct : ValueType::kList;
  Arena* arena_;
  Node* node_;
};

}  // namespace tiphys
