#include "apiserver/apply/schema_tree.h"

#include <algorithm>
#include <map>
#include <vector>

#include "apiserver/apply/field_shape.h"
#include "apiserver/patch/tree.h"
#include "codec/codec.h"

namespace tiphys::apiserver {

using schema::Field;
using schema::ListType;
using schema::Message;
using schema::Shape;

std::string untyped_element(const Field& list, const Value& item) {
  std::string text;
  if (list.list_type == ListType::kSet || !is_struct(list)) {
    text = "v:";
    codec::encode_json_any(item, text);
    return text;
  }
  std::vector<std::string_view> keys(list.list_map_keys.begin(), list.list_map_keys.end());
  std::sort(keys.begin(), keys.end());
  text = "k:{";
  for (std::string_view key : keys) {
    const Value& value = item.type == ValueType::kMap ? item.node->find(key) : kNullValue;
    schema::JsonMember member = schema::find_json(*list.message, key);
    if (value.is_null() && (!member.field || member.field->default_json.empty())) continue;
    if (text.size() > 3) text += ',';
    codec::append_json_string(key, text);
    text += ':';
    if (value.is_null()) {
      text += member.field->default_json;
    } else {
      codec::encode_json_any(value, text);
    }
  }
  return text + "}";
}

namespace {

bool is_empty(const Value& value) { return value.as_node().size == 0; }

// Where an element stands first in a list, and how often.
struct Place {
  size_t first = 0;
  size_t count = 0;
};

// The items of a list by their elements.
class ItemIndex {
 public:
  ItemIndex(const Field& field, const Value& list) {
    for (const Value& item : list.as_node().items()) {
      elements_.push_back(untyped_element(field, item));
      Place& place = places_[elements_.back()];
      if (++place.count == 1) place.first = elements_.size() - 1;
    }
  }
  size_t size() const { return elements_.size(); }
  const std::string& operator[](size_t at) const { return elements_[at]; }
  // Null: no item of the list has the element.
  const Place* find(const std::string& element) const {
    auto at = places_.find(element);
    return at == places_.end() ? nullptr : &at->second;
  }

 private:
  std::vector<std::string> elements_;
  std::map<std::string, Place> places_;
};

class SetBuilder {
 public:
  FieldSet set;

  void add_struct(const Message& type, const Value& value) {
    const Node& members = value.as_node();
    for (uint32_t i = 0; i + 1 < members.size; i += 2) {
      std::string_view name = members.data[i].as_text();
      schema::JsonMember found = schema::find_json(type, name);
      if (!found.field) continue;
      path_.push_back("f:" + std::string(name));
      add_field(*found.field, members.data[i + 1]);
      path_.pop_back();
    }
  }

 private:
  void add_field(const Field& field, const Value& value) {
    bool empty_map = value.type == ValueType::kMap && is_empty(value);
    if (is_leaf(field) || value.is_null() || empty_map) return set.insert(path_);
    if (field.shape == Shape::kList) return add_items(field, value);
    if (field.shape == Shape::kMap) return add_entries(field, value);
    add_struct(*field.message, value);
  }

  void add_entries(const Field& field, const Value& value) {
    for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
      path_.push_back("f:" + std::string(value.node->data[i].as_text()));
      set.insert(path_);
      if (has_owned_members(field)) add_struct(*field.message, value.node->data[i + 1]);
      path_.pop_back();
    }
  }

  void add_items(const Field& field, const Value& value) {
    ItemIndex elements(field, value);
    for (size_t i = 0; i < elements.size(); ++i) {
      bool once = elements.find(elements[i])->count == 1;
      path_.push_back(elements[i]);
      set.insert(path_);
      if (once && has_owned_members(field)) add_struct(*field.message, value.node->data[i]);
      path_.pop_back();
    }
  }

  FieldSet::Path path_;
};

class TreeMerger {
 public:
  explicit TreeMerger(Arena& arena) : arena_(arena) {}

  Value merge_struct(const Message& type, Value live, Value config) {
    if (live.type != ValueType::kMap || config.type != ValueType::kMap) return config;
    const Node& members = *config.node;
    for (uint32_t i = 0; i + 1 < members.size; i += 2) {
      std::string_view name = members.data[i].as_text();
      schema::JsonMember found = schema::find_json(type, name);
      Value* there = find_entry(*live.node, name);
      Value merged = members.data[i + 1];
      if (there && found.field) merged = merge_field(*found.field, *there, merged);
      put_entry(arena_, *live.node, name, merged);
    }
    return live;
  }

 private:
  Value merge_field(const Field& field, Value live, Value config) {
    if (is_leaf(field) || is_empty(live)) return config;
    // Nothing is taken out of what is owned piece by piece: a null says nothing about it.
    if (is_empty(config)) return live;
    if (live.type != config.type) return config;
    if (field.shape == Shape::kList) return merge_list(field, live, config);
    if (field.shape == Shape::kSingular) return merge_struct(*field.message, live, config);
    return merge_map(field, live, config);
  }

  Value merge_map(const Field& field, Value live, Value config) {
    for (uint32_t i = 0; i + 1 < config.node->size; i += 2) {
      std::string_view key = config.node->data[i].as_text();
      Value* there = find_entry(*live.node, key);
      Value merged = config.node->data[i + 1];
      if (there) merged = merge_item(field, *there, merged);
      put_entry(arena_, *live.node, key, merged);
    }
    return live;
  }

  Value merge_item(const Field& field, Value live, Value config) {
    if (!has_owned_members(field) || is_empty(live)) return config;
    return is_empty(config) ? live : merge_struct(*field.message, live, config);
  }

  // One list in the making. Shared items come in config's order; items of live alone stay before
  // the shared item that followed them.
  struct Lists {
    const Field& field;
    Value live;
    Value config;
    ItemIndex ours;    // of live
    ItemIndex theirs;  // of config
    Value out;
    size_t left = 0;         // next of live
    size_t right = 0;        // next of config; all before are in `out`
    size_t next_shared = 0;  // the first of config from `right` on that live has too
  };

  static void advance(Lists& lists) {
    lists.next_shared = std::max(lists.next_shared, lists.right);
    while (lists.next_shared < lists.theirs.size() &&
           !lists.ours.find(lists.theirs[lists.next_shared])) {
      ++lists.next_shared;
    }
  }

  // Takes config's next item, merged with live's if that has exactly one.
  void take(Lists& lists) {
    Value merged = lists.config.node->data[lists.right];
    const Place* match = lists.ours.find(lists.theirs[lists.right]);
    if (match && match->count == 1) {
      merged = merge_item(lists.field, lists.live.node->data[match->first], merged);
    }
    append(arena_, *lists.out.node, merged);
    ++lists.right;
    advance(lists);
  }

  void step(Lists& lists) {
    if (lists.left < lists.ours.size()) {
      const Place* match = lists.theirs.find(lists.ours[lists.left]);
      if (!match) {
        append(arena_, *lists.out.node, lists.live.node->data[lists.left++]);
        return;
      }
      bool taken = match->first < lists.right;
      bool due = match->first == lists.right;
      bool other_first =
          lists.next_shared < lists.theirs.size() && lists.next_shared != match->first;
      if (taken || due || other_first) ++lists.left;
      if (other_first && !due) return;
    }
    if (lists.right < lists.theirs.size()) take(lists);
  }

  Value merge_list(const Field& field, Value live, Value config) {
    Lists lists{field,
                live,
                config,
                ItemIndex(field, live),
                ItemIndex(field, config),
                arena_.make(ValueType::kList, live.node->size + config.node->size)};
    advance(lists);
    while (lists.left < lists.ours.size() || lists.right < lists.theirs.size()) step(lists);
    return lists.out;
  }

  Arena& arena_;
};

void remove_from_struct(const Message& type, Value& tree, const FieldSet& set);

void remove_from_item(const Field& field, Value& item, const FieldSet& set) {
  if (is_struct(field)) remove_from_struct(*field.message, item, set);
}

void remove_from_list(const Field& field, Value& list, const FieldSet& set) {
  Node& items = *list.node;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < items.size; ++i) {
    const FieldSet* child = set.find(untyped_element(field, items.data[i]));
    if (child && child->member()) continue;
    if (child) remove_from_item(field, items.data[i], *child);
    items.data[kept++] = items.data[i];
  }
  items.size = kept;
}

void remove_from_map(const Field& field, Value& map, const FieldSet& set) {
  Node& entries = *map.node;
  uint32_t kept = 0;
  for (uint32_t i = 0; i + 1 < entries.size; i += 2) {
    const FieldSet* child = set.find("f:" + std::string(entries.data[i].as_text()));
    if (child && child->member()) continue;
    if (child) remove_from_item(field, entries.data[i + 1], *child);
    entries.data[kept++] = entries.data[i];
    entries.data[kept++] = entries.data[i + 1];
  }
  entries.size = kept;
}

void remove_from_field(const Field& field, Value& value, const FieldSet& set) {
  if (!value.is_node()) return;
  if (field.shape == Shape::kList && value.type == ValueType::kList) {
    remove_from_list(field, value, set);
  } else if (field.shape == Shape::kMap && value.type == ValueType::kMap) {
    remove_from_map(field, value, set);
  } else if (field.shape == Shape::kSingular) {
    remove_from_item(field, value, set);
  }
  if (is_empty(value)) value = Value();
}

void remove_from_struct(const Message& type, Value& tree, const FieldSet& set) {
  if (tree.type != ValueType::kMap) return;
  for (const auto& [element, child] : set.children()) {
    if (!element.starts_with("f:")) continue;
    std::string_view name = std::string_view(element).substr(2);
    Value* member = find_entry(*tree.node, name);
    if (!member) continue;
    if (child.member()) {
      erase_entry(*tree.node, name);
      continue;
    }
    schema::JsonMember found = schema::find_json(type, name);
    if (found.field) remove_from_field(*found.field, *member, child);
  }
}

}  // namespace

FieldSet field_set_of(const Message& type, const Value& tree) {
  SetBuilder builder;
  builder.add_struct(type, tree);
  return std::move(builder.set);
}

Value merge_trees(const Message& type, Value live, Value config, Arena& arena) {
  return TreeMerger(arena).merge_struct(type, live, config);
}

void remove_items(const Message& type, Value& tree, const FieldSet& set) {
  remove_from_struct(type, tree, set);
}

}  // namespace tiphys::apiserver
