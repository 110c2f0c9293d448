#include "apiserver/patch/strategic_merge.h"

#include <string>
#include <vector>

#include "apiserver/patch/go_text.h"
#include "apiserver/patch/strategic_order.h"
#include "apiserver/patch/tree.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList/";
constexpr std::string_view kElementOrder = "$setElementOrder/";

ApiStatus plain_error(std::string message) { return ApiStatus(500, "", message); }

// What the schema says of one member.
struct MemberRule {
  const schema::Message* type = nullptr;  // of the struct, or of the list's items
  bool merge_list = false;
  bool replace = false;
  std::string_view merge_key;
};

MemberRule rule_of(const schema::Message* type, std::string_view name) {
  MemberRule rule;
  if (!type) return rule;
  schema::JsonMember member = schema::find_json(*type, name);
  if (!member.field) return rule;
  const schema::Field& field = *member.field;
  if (field.shape != schema::Shape::kMap) rule.type = field.message;
  rule.merge_list = field.merge_list;
  rule.replace = field.replace;
  rule.merge_key = field.patch_merge_key;
  return rule;
}

class Merger {
 public:
  explicit Merger(Arena& arena) : arena_(arena) {}

  Result<Value> merge_map(Value original, Value patch, const schema::Message* type) {
    if (Value* directive = find_entry(*patch.node, kPatch)) {
      return apply_map_directive(patch, directive->as_text());
    }
    auto retained = apply_retain_keys(*original.node, *patch.node);
    if (!retained) return retained.error();
    auto ordered = apply_element_orders(*original.node, *patch.node, type);
    if (!ordered) return ordered.error();
    const Node& changes = *patch.node;
    for (uint32_t i = 0; i + 1 < changes.size; i += 2) {
      auto merged =
          merge_member(*original.node, changes.data[i].as_text(), changes.data[i + 1], type);
      if (!merged) return merged.error();
    }
    return original;
  }

 private:
  Result<Value> apply_map_directive(Value patch, std::string_view directive) {
    if (directive == "replace") {
      erase_entry(*patch.node, kPatch);
      return patch;
    }
    if (directive == "delete") return arena_.make(ValueType::kMap);
    return plain_error("unknown patch type: " + std::string(directive) +
                       " in map: " + go_value_text(patch));
  }

  Result<void> apply_retain_keys(Node& original, Node& patch) {
    Value* found = find_entry(patch, kRetainKeys);
    if (!found) return {};
    if (found->type != ValueType::kList) {
      return ApiStatus::bad_request("invalid patch format of retainKeys");
    }
    Value keys = *found;
    erase_entry(patch, kRetainKeys);
    auto kept = [&](std::string_view name) {
      for (const Value& key : keys.node->items()) {
        if (key.as_text() == name) return true;
      }
      return false;
    };
    for (uint32_t i = 0; i + 1 < patch.size; i += 2) {
      std::string_view name = patch.data[i].as_text();
      if (patch.data[i + 1].is_null() || name.starts_with(kDeleteFromList) ||
          name.starts_with(kElementOrder)) {
        continue;
      }
      if (!kept(name)) return ApiStatus::bad_request("invalid patch format of retainKeys");
    }
    for (uint32_t i = 0; i + 1 < original.size;) {
      if (kept(original.data[i].as_text())) {
        i += 2;
      } else {
        erase_item(original, i + 1);
        erase_item(original, i);
      }
    }
    return {};
  }

  // Lists that the patch gives an order are merged first and leave the patch.
  Result<void> apply_element_orders(Node& original, Node& patch, const schema::Message* type) {
    for (uint32_t i = 0; i + 1 < patch.size;) {
      std::string key(patch.data[i].as_text());
      if (!key.starts_with(kElementOrder)) {
        i += 2;
        continue;
      }
      Value order = patch.data[i + 1];
      erase_entry(patch, key);
      std::string name = key.substr(kElementOrder.size());
      auto applied = apply_element_order(original, patch, name, order, type);
      if (!applied) return applied;
      i = 0;
    }
    return {};
  }

  Result<void> apply_element_order(Node& original, Node& patch, const std::string& name,
                                   Value order, const schema::Message* type) {
    if (order.type != ValueType::kList) {
      return ApiStatus::bad_request("invalid patch format of setElementOrder list");
    }
    MemberRule rule = rule_of(type, name);
    Value* there = find_entry(original, name);
    Value* change = find_entry(patch, name);
    if ((there && there->type != ValueType::kList) ||
        (change && change->type != ValueType::kList)) {
      return ApiStatus::bad_request("invalid patch format of setElementOrder list");
    }
    if (change && !order_covers(*change->node, *order.node, rule.merge_key)) {
      return plain_error("The order in patch list:\n" + go_value_text(*change) +
                         "\n doesn't match $setElementOrder list:\n" + go_value_text(order) + "\n");
    }
    if (!there && !change) return {};
    Value server = there ? arena_.clone(*there) : arena_.make(ValueType::kList);
    Result<Value> merged = change ? (there ? merge_list_member(*there, *change, rule)
                                           : Result<Value>(without_directives(*change)))
                                  : Result<Value>(*there);
    if (!merged) return merged.error();
    Value sorted = order_elements(*merged, order, server, rule.merge_key, arena_);
    put_entry(arena_, original, name, sorted);
    erase_entry(patch, name);
    return {};
  }

  Result<void> merge_member(Node& original, std::string_view key, Value change,
                            const schema::Message* type) {
    bool delete_list = key.starts_with(kDeleteFromList);
    if (delete_list) key.remove_prefix(kDeleteFromList.size());
    if (delete_list && change.type != ValueType::kList) {
      return ApiStatus::bad_request("invalid patch format of primitive list");
    }
    if (change.is_null()) {
      erase_entry(original, key);
      return {};
    }
    Value* there = find_entry(original, key);
    if (!there || there->type != change.type) {
      if (!delete_list) put_entry(arena_, original, key, without_directives(change));
      return {};
    }
    MemberRule rule = rule_of(type, key);
    Result<Value> merged = change;
    if (change.type == ValueType::kMap && !rule.replace) {
      merged = merge_map(*there, change, rule.type);
    } else if (change.type == ValueType::kList && delete_list) {
      merged = delete_scalars(*there, change);
    } else if (change.type == ValueType::kList) {
      merged = merge_list_member(*there, change, rule);
    }
    if (!merged) return merged.error();
    put_entry(arena_, original, key, *merged);
    return {};
  }

  Result<Value> merge_list_member(Value original, Value patch, const MemberRule& rule) {
    if (!rule.merge_list) return patch;
    if (original.node->size == 0 && patch.node->size == 0) return original;
    const Value& sample = original.node->size > 0 ? original.node->data[0] : patch.node->data[0];
    for (const Node* list : {original.node, patch.node}) {
      for (const Value& item : list->items()) {
        if ((item.type == ValueType::kMap) != (sample.type == ValueType::kMap)) {
          return plain_error("list element types are not identical");
        }
      }
    }
    Value server = arena_.clone(original);
    if (sample.type != ValueType::kMap) return merge_scalars(original, patch, server);
    if (rule.merge_key.empty()) return plain_error("cannot merge lists without merge key");
    bool replaced = false;
    auto special = apply_list_directives(original, patch, rule.merge_key, replaced);
    if (!special) return special.error();
    if (replaced) return original;
    auto merged = merge_keyed(original, patch, rule);
    if (!merged) return merged.error();
    return order_elements(*merged, patch, server, rule.merge_key, arena_);
  }

  Value merge_scalars(Value original, Value patch, Value server) {
    Value both = arena_.make(ValueType::kList);
    for (const Node* list : {original.node, patch.node}) {
      for (const Value& item : list->items()) {
        if (!contains(*both.node, item)) append(arena_, *both.node, item);
      }
    }
    return order_elements(both, patch, server, {}, arena_);
  }

  Value delete_scalars(Value original, Value patch) {
    Value left = arena_.make(ValueType::kList);
    for (const Value& item : original.node->items()) {
      if (!contains(*patch.node, item)) append(arena_, *left.node, item);
    }
    return left;
  }

  static bool contains(const Node& list, const Value& value) {
    for (const Value& item : list.items()) {
      if (equal(item, value)) return true;
    }
    return false;
  }

  // Takes the items with $patch out of the patch list and does what they say.
  Result<void> apply_list_directives(Value& original, Value patch, std::string_view merge_key,
                                     bool& replaced) {
    for (uint32_t i = 0; i < patch.node->size;) {
      Value item = patch.node->data[i];
      Value* directive = find_entry(*item.node, kPatch);
      if (!directive) {
        ++i;
        continue;
      }
      std::string kind(directive->as_text());
      erase_item(*patch.node, i);
      if (kind == "replace") {
        replaced = true;
      } else if (kind == "delete") {
        Value* key = find_entry(*item.node, merge_key);
        if (!key) return missing_key(item, merge_key);
        erase_matching(*original.node, merge_key, *key);
      } else if (kind == "merge") {
        return plain_error("merge directive is not supported in a list");
      } else {
        return plain_error("unknown patch type: " + kind + " in map: " + go_value_text(item));
      }
    }
    if (replaced) original = patch;
    return {};
  }

  static void erase_matching(Node& list, std::string_view merge_key, const Value& key) {
    for (uint32_t i = 0; i < list.size;) {
      Value* other = find_entry(*list.data[i].node, merge_key);
      if (other && equal(*other, key)) {
        erase_item(list, i);
      } else {
        ++i;
      }
    }
  }

  Result<Value> merge_keyed(Value original, Value patch, const MemberRule& rule) {
    for (const Value& item : patch.node->items()) {
      Value* key = find_entry(*item.node, rule.merge_key);
      if (!key) return missing_key(item, rule.merge_key);
      Value* match = nullptr;
      for (uint32_t i = 0; i < original.node->size && !match; ++i) {
        Value* other = find_entry(*original.node->data[i].node, rule.merge_key);
        if (other && equal(*other, *key)) match = &original.node->data[i];
      }
      if (!match) {
        append(arena_, *original.node, without_directives(item));
        continue;
      }
      // The merge may edit the patch item; its key is still needed to order the result.
      auto merged = merge_map(*match, arena_.clone(item), rule.type);
      if (!merged) return merged.error();
      *match = *merged;
    }
    return original;
  }

  static ApiStatus missing_key(const Value& item, std::string_view key) {
    return plain_error("map: " + go_value_text(item) +
                       " does not contain declared merge key: " + std::string(key));
  }

  // What an added value looks like: nulls and directives dropped at every depth.
  Value without_directives(Value value) {
    if (value.type == ValueType::kMap) {
      Value clean = arena_.make(ValueType::kMap, value.node->size);
      for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
        std::string_view key = value.node->data[i].as_text();
        if (value.node->data[i + 1].is_null() || key == kPatch || key == kRetainKeys ||
            key.starts_with(kDeleteFromList) || key.starts_with(kElementOrder)) {
          continue;
        }
        append(arena_, *clean.node, value.node->data[i]);
        append(arena_, *clean.node, without_directives(value.node->data[i + 1]));
      }
      return clean;
    }
    if (value.type != ValueType::kList) return value;
    Value clean = arena_.make(ValueType::kList, value.node->size);
    for (const Value& item : value.node->items()) {
      bool deleted = item.type == ValueType::kMap && item.node->find(kPatch).as_text() == "delete";
      if (!deleted) append(arena_, *clean.node, without_directives(item));
    }
    return clean;
  }

  Arena& arena_;
};

}  // namespace

Result<Value> apply_strategic_merge(Value document, Value patch, const schema::Message& type,
                                    Arena& arena) {
  if (patch.type != ValueType::kMap || document.type != ValueType::kMap) {
    return ApiStatus::bad_request("Invalid JSON document");
  }
  return Merger(arena).merge_map(document, patch, &type);
}

}  // namespace tiphys::apiserver
