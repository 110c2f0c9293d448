#include "apiserver/managed_fields/comparison.h"

#include <algorithm>
#include <map>
#include <vector>

#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::ListType;
using schema::Message;
using schema::Shape;

// A value as Go's JSON has it: absent members are null pointers here, present ones may be null.
using Seen = const Value*;

bool is_struct(const Field& field) {
  return field.kind == FieldKind::kMessage && field.message != nullptr;
}

constexpr std::string_view kSystemFields[] = {"name",       "namespace",     "creationTimestamp",
                                              "selfLink",   "uid",           "clusterName",
                                              "generation", "managedFields", "resourceVersion"};

// Whether the member of a present struct shows in its JSON.
Seen seen_member(const Field& field, const Node& parent, uint16_t index) {
  const Value& value = parent.field(index);
  bool empty_container =
      (value.type == ValueType::kList || value.type == ValueType::kMap) && value.node->size == 0;
  if (!value.is_null()) return empty_container && field.omitempty ? nullptr : &value;
  if (field.pointer) return field.omitempty ? nullptr : &value;
  if (field.shape == Shape::kSingular && is_struct(field)) return field.omitzero ? nullptr : &value;
  if (field.omitempty || field.omitzero) return nullptr;
  return &value;
}

class Comparer {
 public:
  explicit Comparer(Comparison& result) : result_(result) {}

  void compare_struct(const Message& type, const Node* before, const Node* after) {
    for (uint16_t i = 0; i < type.fields.size(); ++i) {
      const Field& field = type.fields[i];
      if (field.json_hidden) continue;
      Seen left = before ? seen_member(field, *before, i) : nullptr;
      Seen right = after ? seen_member(field, *after, i) : nullptr;
      if ((!left && !right) || same(left, right) || is_system(field.name)) continue;
      if (field.inlined) {
        compare_struct(*field.message, left ? &left->as_node() : nullptr,
                       right ? &right->as_node() : nullptr);
        continue;
      }
      path_.push_back("f:" + std::string(field.name));
      compare_field(field, left, right);
      path_.pop_back();
    }
  }

 private:
  // Nothing below differs: the usual case, told without building paths.
  static bool same(Seen before, Seen after) { return before && after && equal(*before, *after); }

  // Of the object's own metadata, what the server sets.
  bool is_system(std::string_view name) const {
    return path_.size() == 1 && path_[0] == "f:metadata" &&
           std::ranges::find(kSystemFields, name) != std::end(kSystemFields);
  }

  void compare_field(const Field& field, Seen before, Seen after) {
    if (field.shape == Shape::kList) return compare_list(field, before, after);
    if (field.shape == Shape::kMap) return compare_map(field, before, after);
    compare_single(field, before, after, field.struct_atomic);
  }

  void compare_single(const Field& field, Seen before, Seen after, bool atomic) {
    bool typed = is_struct(field);
    if (!typed || atomic || field.message->struct_atomic ||
        (shows_nothing(*field.message, before) && shows_nothing(*field.message, after))) {
      return compare_leaf(before, after);
    }
    compare_struct(*field.message, node_of(before), node_of(after));
    mark_container(before, after);
  }

  // A null is no struct at all; a present one may still be without members.
  static const Node* node_of(Seen seen) { return seen ? &seen->as_node() : nullptr; }

  static bool shows_nothing(const Message& type, Seen seen) {
    if (!seen) return true;
    const Node& node = seen->as_node();
    for (uint16_t i = 0; i < type.fields.size(); ++i) {
      const Field& field = type.fields[i];
      Seen member = seen_member(field, node, i);
      if (!member) continue;
      if (!field.inlined || !shows_nothing(*field.message, member)) return false;
    }
    return true;
  }

  void compare_leaf(Seen before, Seen after) {
    if (!before) {
      result_.added.insert(path_);
    } else if (!after) {
      result_.removed.insert(path_);
    } else if (!equal(*before, *after)) {
      result_.modified.insert(path_);
    }
  }

  void mark_container(Seen before, Seen after) {
    if (!before) {
      result_.added.insert(path_);
    } else if (!after) {
      result_.removed.insert(path_);
    }
  }

  static bool empty(Seen seen) { return !seen || seen->as_node().size == 0; }

  void compare_map(const Field& field, Seen before, Seen after) {
    if (field.map_atomic || (empty(before) && empty(after))) return compare_leaf(before, after);
    const Node& left = before ? before->as_node() : kEmptyNode;
    const Node& right = after ? after->as_node() : kEmptyNode;
    for (uint32_t i = 0; i + 1 < left.size; i += 2) {
      compare_entry(field, left.data[i].as_text(), left, right);
    }
    for (uint32_t i = 0; i + 1 < right.size; i += 2) {
      if (left.find(right.data[i].as_text()).is_null()) {
        compare_entry(field, right.data[i].as_text(), left, right);
      }
    }
    mark_container(before, after);
  }

  void compare_entry(const Field& field, std::string_view key, const Node& left,
                     const Node& right) {
    const Value& before = left.find(key);
    const Value& after = right.find(key);
    path_.push_back("f:" + std::string(key));
    compare_single(field, before.is_null() ? nullptr : &before, after.is_null() ? nullptr : &after,
                   false);
    path_.pop_back();
  }

  // Items of one key. More than one on a side is an item like a leaf: nobody owns its members.
  struct ItemPair {
    std::vector<Seen> before;
    std::vector<Seen> after;
  };

  void compare_items(const Field& field, const ItemPair& pair) {
    bool many_before = pair.before.size() > 1;
    bool many_after = pair.after.size() > 1;
    if (many_before && many_after) {
      auto same = [](Seen a, Seen b) { return equal(*a, *b); };
      if (!std::equal(pair.before.begin(), pair.before.end(), pair.after.begin(), pair.after.end(),
                      same)) {
        result_.modified.insert(path_);
      }
      return;
    }
    Seen before = many_before || pair.before.empty() ? nullptr : pair.before.front();
    Seen after = many_after || pair.after.empty() ? nullptr : pair.after.front();
    if (before || after) compare_single(field, before, after, false);
    if (many_before) result_.removed.insert(path_);
    if (many_after) result_.added.insert(path_);
  }

  void compare_list(const Field& field, Seen before, Seen after) {
    if (field.list_type == ListType::kAtomic || (empty(before) && empty(after))) {
      return compare_leaf(before, after);
    }
    const Node& left = before ? before->as_node() : kEmptyNode;
    const Node& right = after ? after->as_node() : kEmptyNode;
    std::map<std::string, ItemPair> items;
    for (const Value& item : left.items()) {
      items[item_element(field, item)].before.push_back(&item);
    }
    for (const Value& item : right.items()) {
      items[item_element(field, item)].after.push_back(&item);
    }
    for (const auto& [element, pair] : items) {
      path_.push_back(element);
      compare_items(field, pair);
      path_.pop_back();
    }
    mark_container(before, after);
  }

  Comparison& result_;
  FieldSet::Path path_;
};

void append_scalar(const Value& value, std::string& out) {
  if (value.is_null()) {
    out += "null";
  } else {
    codec::encode_json_any(value, out);
  }
}

}  // namespace

std::string item_element(const Field& list, const Value& item) {
  std::string text;
  if (list.list_type == ListType::kSet || !is_struct(list)) {
    text = "v:";
    append_scalar(item, text);
    return text;
  }
  std::vector<std::string_view> keys(list.list_map_keys.begin(), list.list_map_keys.end());
  std::sort(keys.begin(), keys.end());
  text = "k:{";
  for (std::string_view key : keys) {
    schema::JsonMember member = schema::find_json(*list.message, key);
    if (!member.field) continue;
    const Value* value = &item;
    for (uint8_t i = 0; i < member.depth; ++i) value = &value->as_node().field(member.path[i]);
    if (text.size() > 3) text += ',';
    codec::append_json_string(key, text);
    text += ':';
    if (!value->is_null()) {
      append_scalar(*value, text);
    } else if (!member.field->default_json.empty()) {
      text += member.field->default_json;
    } else {
      bool number =
          member.field->kind == FieldKind::kInt32 || member.field->kind == FieldKind::kInt64;
      text += number ? "0" : member.field->kind == FieldKind::kBool ? "false" : "\"\"";
    }
  }
  return text + "}";
}

void strip_system_fields(FieldSet& set) {
  if (set.empty()) return;
  set.remove({"f:apiVersion"});
  set.remove({"f:kind"});
  const FieldSet* metadata = set.find("f:metadata");
  if (!metadata) return;
  for (std::string_view name : kSystemFields) {
    std::string element = "f:" + std::string(name);
    if (metadata->find(element)) set.remove_below({"f:metadata", element});
    metadata = set.find("f:metadata");
    if (!metadata) return;
  }
  set.remove({"f:metadata"});
}

Comparison compare_objects(const Message& type, const Node* before, const Node& after) {
  Comparison result;
  static const Node kNothing;
  Comparer(result).compare_struct(type, before ? before : &kNothing, &after);
  for (FieldSet* set : {&result.added, &result.modified, &result.removed})
    strip_system_fields(*set);
  return result;
}

}  // namespace tiphys::apiserver
