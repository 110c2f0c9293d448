#include "apiserver/apply/schema_tree.h"

#include <algorithm>
#include <set>

#include "apiserver/patch/tree.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::ListType;
using schema::Message;
using schema::Shape;

bool is_struct(const Field& field) {
  return field.kind == FieldKind::kMessage && field.message != nullptr;
}

// Untyped lists, typed lists and maps, and structs that are one leaf to ownership.
bool is_leaf(const Field& field) {
  if (field.shape == Shape::kList) return field.list_type == ListType::kAtomic;
  if (field.shape == Shape::kMap) return field.map_atomic;
  return !is_struct(field) || field.struct_atomic || field.message->struct_atomic;
}

// Items and entries that are structs whose members are owned one by one.
bool has_owned_members(const Field& field) {
  return is_struct(field) && !field.struct_atomic && !field.message->struct_atomic;
}

// The FieldsV1 key of an item of an untyped list.
std::string element_of(const Field& list, const Value& item) {
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

class SetBuilder {
 public:
  FieldSet set;
  std::optional<ApiStatus> error;

  void add_struct(const Message& type, const Value& value) {
    const Node& members = value.as_node();
    for (uint32_t i = 0; i + 1 < members.size; i += 2) {
      std::string_view name = members.data[i].as_text();
      const Value& member = members.data[i + 1];
      schema::JsonMember found = schema::find_json(type, name);
      path_.push_back("f:" + std::string(name));
      if (!found.field) {
        fail("field not declared in schema");
      } else {
        add_field(*found.field, member);
      }
      path_.pop_back();
    }
  }

 private:
  void fail(std::string_view why) {
    if (error) return;
    std::string where;
    for (const std::string& element : path_) where += "." + element.substr(2);
    error = ApiStatus(500, "", where + ": " + std::string(why));
  }

  void add_field(const Field& field, const Value& value) {
    if (value.is_null() || is_leaf(field) || value.as_node().size == 0) {
      check_shape(field, value);
      // An empty list of items with owners of their own says nothing.
      bool nothing = value.type == ValueType::kList && !is_leaf(field);
      if (!nothing) set.insert(path_);
      return;
    }
    if (!check_shape(field, value)) return;
    if (field.shape == Shape::kList) return add_items(field, value);
    if (field.shape == Shape::kMap) return add_entries(field, value);
    add_struct(*field.message, value);
  }

  bool check_shape(const Field& field, const Value& value) {
    if (value.is_null()) return true;
    if (field.shape == Shape::kList && value.type != ValueType::kList) {
      return fail("expected list, got something else"), false;
    }
    bool map = field.shape == Shape::kMap || (field.shape == Shape::kSingular && is_struct(field));
    if (map && value.type != ValueType::kMap)
      return fail("expected map, got something else"), false;
    return true;
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
    std::set<std::string> seen;
    for (const Value& item : value.node->items()) {
      std::string element = element_of(field, item);
      if (!seen.insert(element).second)
        fail("duplicate entries for key [" + element.substr(2) + "]");
      path_.push_back(std::move(element));
      set.insert(path_);
      if (has_owned_members(field)) add_struct(*field.message, item);
      path_.pop_back();
    }
  }

  FieldSet::Path path_;
};

class TreeMerger {
 public:
  explicit TreeMerger(Arena& arena) : arena_(arena) {}

  Value merge_struct(const Message* type, Value live, Value config) {
    if (live.type != ValueType::kMap || config.type != ValueType::kMap) return config;
    const Node& members = *config.node;
    for (uint32_t i = 0; i + 1 < members.size; i += 2) {
      std::string_view name = members.data[i].as_text();
      schema::JsonMember found = type ? schema::find_json(*type, name) : schema::JsonMember{};
      Value* there = find_entry(*live.node, name);
      Value merged = members.data[i + 1];
      if (there && found.field) merged = merge_field(*found.field, *there, merged);
      put_entry(arena_, *live.node, name, merged);
    }
    return live;
  }

 private:
  Value merge_field(const Field& field, Value live, Value config) {
    if (is_leaf(field) || live.type != config.type) return config;
    if (field.shape == Shape::kList) return merge_list(field, live, config);
    if (field.shape == Shape::kSingular) return merge_struct(field.message, live, config);
    for (uint32_t i = 0; i + 1 < config.node->size; i += 2) {
      std::string_view key = config.node->data[i].as_text();
      Value merged = config.node->data[i + 1];
      Value* there = find_entry(*live.node, key);
      if (there && is_struct(field)) merged = merge_struct(field.message, *there, merged);
      put_entry(arena_, *live.node, key, merged);
    }
    return live;
  }

  // The live items in their order, merged with those applied; then what is new.
  Value merge_list(const Field& field, Value live, Value config) {
    std::vector<std::string> wanted;
    for (const Value& item : config.node->items()) wanted.push_back(element_of(field, item));
    std::vector<bool> used(wanted.size(), false);
    Value out = arena_.make(ValueType::kList, live.node->size + config.node->size);
    for (const Value& item : live.node->items()) {
      auto at = static_cast<size_t>(
          std::find(wanted.begin(), wanted.end(), element_of(field, item)) - wanted.begin());
      Value merged = item;
      if (at < wanted.size()) {
        used[at] = true;
        merged = config.node->data[at];
        if (has_owned_members(field)) merged = merge_struct(field.message, item, merged);
      }
      append(arena_, *out.node, merged);
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (!used[i]) append(arena_, *out.node, config.node->data[i]);
    }
    return out;
  }

  Arena& arena_;
};

void remove_from_struct(const Message* type, Value& tree, const FieldSet& set);

void remove_from_field(const Field& field, Value& value, const FieldSet& set) {
  if (field.shape == Shape::kList && value.type == ValueType::kList) {
    for (uint32_t i = 0; i < value.node->size;) {
      const FieldSet* child = set.find(element_of(field, value.node->data[i]));
      if (child && child->member()) {
        erase_item(*value.node, i);
        continue;
      }
      if (child && is_struct(field)) remove_from_struct(field.message, value.node->data[i], *child);
      ++i;
    }
    return;
  }
  if (field.shape == Shape::kMap && value.type == ValueType::kMap) {
    for (const auto& [element, child] : set.children()) {
      Value* entry = find_entry(*value.node, std::string_view(element).substr(2));
      if (!entry) continue;
      if (child.member()) {
        erase_entry(*value.node, std::string_view(element).substr(2));
      } else if (is_struct(field)) {
        remove_from_struct(field.message, *entry, child);
      }
    }
    return;
  }
  if (field.shape == Shape::kSingular) remove_from_struct(field.message, value, set);
}

void remove_from_struct(const Message* type, Value& tree, const FieldSet& set) {
  if (!type || tree.type != ValueType::kMap) return;
  for (const auto& [element, child] : set.children()) {
    if (!element.starts_with("f:")) continue;
    std::string_view name = std::string_view(element).substr(2);
    Value* member = find_entry(*tree.node, name);
    if (!member) continue;
    if (child.member()) {
      erase_entry(*tree.node, name);
      continue;
    }
    schema::JsonMember found = schema::find_json(*type, name);
    if (found.field) remove_from_field(*found.field, *member, child);
  }
}

}  // namespace

Result<FieldSet> field_set_of(const Message& type, const Value& config) {
  SetBuilder builder;
  builder.add_struct(type, config);
  if (builder.error) return *builder.error;
  return std::move(builder.set);
}

Value merge_trees(const Message& type, Value live, Value config, Arena& arena) {
  return TreeMerger(arena).merge_struct(&type, live, config);
}

void remove_items(const Message& type, Value& tree, const FieldSet& set) {
  remove_from_struct(&type, tree, set);
}

}  // namespace tiphys::apiserver
