#include "apiserver/patch/strategic_merge.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "apiserver/patch/go_text.h"
#include "apiserver/patch/rejected.h"
#include "apiserver/patch/strategic_order.h"
#include "apiserver/patch/tree.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList";
constexpr std::string_view kElementOrder = "$setElementOrder";

ApiStatus plain_error(std::string message) { return ApiStatus(500, "", message); }

ApiStatus bad_retain_keys() { return ApiStatus::bad_request("invalid patch format of retainKeys"); }

ApiStatus bad_type(std::string_view expected, const Value& actual) {
  return plain_error("expected a " + std::string(expected) + ", but received a " +
                     std::string(go_type_text(actual)));
}

ApiStatus missing_key(const Value& item, std::string_view key) {
  return plain_error("map: " + go_value_text(item) +
                     " does not contain declared merge key: " + std::string(key));
}

ApiStatus unknown_directive(const Value& directive, const Value& map) {
  return plain_error("unknown patch type: " + go_value_text(directive) +
                     " in map: " + go_value_text(map));
}

// What the schema says of one member.
struct MemberRule {
  const schema::Message* type = nullptr;  // of the struct, or of the list's items
  bool merge_list = false;
  bool replace = false;
  std::string_view merge_key;
};

Result<MemberRule> rule_of(const schema::Message* type, std::string_view name) {
  MemberRule rule;
  if (!type) return rule;
  schema::JsonMember member = schema::find_json(*type, name);
  if (!member.field) {
    std::string_view go_name = type->go_name.substr(type->go_name.rfind('.') + 1);
    return plain_error("unable to find api field in struct " + std::string(go_name) +
                       " for the json field " + go_quote(name));
  }
  const schema::Field& field = *member.field;
  if (field.shape != schema::Shape::kMap) rule.type = field.message;
  rule.merge_list = field.merge_list;
  rule.replace = field.replace;
  rule.merge_key = field.patch_merge_key;
  return rule;
}

// The list's name in "$setElementOrder/containers"; nullopt if there is none.
std::optional<std::string_view> list_name(std::string_view key, std::string_view directive) {
  std::string_view rest = key.substr(directive.size());
  if (!rest.starts_with('/')) return std::nullopt;
  return rest.substr(1);
}

class Merger {
 public:
  explicit Merger(Arena& arena) : arena_(arena) {}

  Result<Value> merge_map(Value original, Value patch, const schema::Message* type) {
    if (Value* directive = find_entry(*patch.node, kPatch)) {
      return apply_map_directive(patch, *directive);
    }
    auto retained = apply_retain_keys(*original.node, *patch.node);
    if (!retained) return retained.error();
    auto ordered = apply_element_orders(*original.node, *patch.node, type);
    if (!ordered) return ordered.error();
    const Node& changes = *patch.node;
    Value added = arena_.make(ValueType::kMap);
    for (uint32_t i = 0; i + 1 < changes.size; i += 2) {
      std::string_view key = changes.data[i].as_text();
      Value change = changes.data[i + 1];
      auto merged = key.starts_with(kDeleteFromList) ? delete_from_list(*original.node, key, change)
                                                     : Result<void>();
      if (!merged) return merged.error();
      if (key.starts_with(kDeleteFromList)) continue;
      Value* there = find_entry(*original.node, key);
      if (there) {
        merged = merge_member(*there, key, change, type);
        if (!merged) return merged.error();
        continue;
      }
      append(arena_, *added.node, changes.data[i]);
      append(arena_, *added.node, new_value(change));
    }
    return merge_entries(arena_, *original.node, *added.node);
  }

 private:
  Result<Value> apply_map_directive(Value patch, const Value& directive) {
    if (directive.as_text() == "replace") {
      erase_entry(*patch.node, kPatch);
      return patch;
    }
    if (directive.as_text() == "delete") return arena_.make(ValueType::kMap);
    return unknown_directive(directive, patch);
  }

  // Nulls what the patch does not retain; merge_entries drops it.
  Result<void> apply_retain_keys(Node& original, Node& patch) {
    Value* found = find_entry(patch, kRetainKeys);
    if (!found) return {};
    if (found->type != ValueType::kList) return bad_retain_keys();
    std::set<std::string_view> kept;
    for (const Value& key : found->node->items()) kept.insert(key.as_text());
    erase_entry(patch, kRetainKeys);
    for (uint32_t i = 0; i + 1 < patch.size; i += 2) {
      std::string_view name = patch.data[i].as_text();
      bool named = !patch.data[i + 1].is_null() && !name.starts_with(kDeleteFromList) &&
                   !name.starts_with(kElementOrder);
      if (named && !kept.contains(name)) return bad_retain_keys();
    }
    for (uint32_t i = 0; i + 1 < original.size; i += 2) {
      if (!kept.contains(original.data[i].as_text())) original.data[i + 1] = Value();
    }
    return {};
  }

  // Lists that the patch gives an order are merged first and leave the patch.
  Result<void> apply_element_orders(Node& original, Node& patch, const schema::Message* type) {
    for (uint32_t i = 0; i + 1 < patch.size;) {
      std::string_view key = patch.data[i].as_text();
      if (!key.starts_with(kElementOrder)) {
        i += 2;
        continue;
      }
      Value order = patch.data[i + 1];
      erase_entry(patch, key);
      auto applied = apply_element_order(original, patch, key, order, type);
      if (!applied) return applied;
      i = 0;
    }
    return {};
  }

  Result<void> apply_element_order(Node& original, Node& patch, std::string_view key, Value order,
                                   const schema::Message* type) {
    constexpr std::string_view kList = "[]interface {}";
    if (order.type != ValueType::kList) return bad_type(kList, order);
    std::optional<std::string_view> name = list_name(key, kElementOrder);
    if (!name) return ApiStatus::bad_request("invalid patch format of setElementOrder list");
    Value* there = find_entry(original, *name);
    if (there && there->is_null()) there = nullptr;
    Value* change = find_entry(patch, *name);
    if (there && there->type != ValueType::kList) return bad_type(kList, *there);
    if (change && change->type != ValueType::kList) return bad_type(kList, *change);
    TIPHYS_TRY(MemberRule, rule, rule_of(type, *name));
    auto checked = change ? check_order(*change, order, rule.merge_key) : Result<void>();
    if (!checked) return checked;
    if (!there && !change) return {};
    Value server = there ? arena_.clone(*there) : arena_.make(ValueType::kList);
    Result<Value> merged = there ? Result<Value>(*there) : Result<Value>(no_directives(*change));
    if (there && change) merged = merge_list(*there, *change, rule);
    if (!merged) return merged.error();
    put_entry(arena_, original, *name,
              order_elements(*merged, order, server, rule.merge_key, arena_));
    erase_entry(patch, *name);
    return {};
  }

  static Result<void> check_order(const Value& change, const Value& order,
                                  std::string_view merge_key) {
    if (change.node->size == 0 || order.node->size == 0) return {};
    for (const Node* list : {change.node, order.node}) {
      for (const Value& item : list->items()) {
        if (merge_key.empty()) break;
        if (item.type != ValueType::kMap) return bad_type("map[string]interface {}", item);
        if (item.node->find(merge_key).is_null()) return missing_key(item, merge_key);
      }
    }
    if (order_covers(*change.node, *order.node, merge_key)) return {};
    return plain_error("The order in patch list:\n" + go_value_text(change) +
                       "\n doesn't match $setElementOrder list:\n" + go_value_text(order) + "\n");
  }

  // The original's member becomes the merged one, null if it goes.
  Result<void> merge_member(Value& there, std::string_view key, Value change,
                            const schema::Message* type) {
    bool merges = change.is_node() && there.type == change.type;
    if (!merges) {
      there = new_value(change);
      return {};
    }
    TIPHYS_TRY(MemberRule, rule, rule_of(type, key));
    Result<Value> merged = change;
    if (change.type == ValueType::kList) {
      merged = merge_list(there, change, rule);
    } else if (!rule.replace) {
      merged = merge_map(there, change, rule.type);
    }
    if (!merged) return merged.error();
    there = *merged;
    return {};
  }

  Result<void> delete_from_list(Node& original, std::string_view key, const Value& gone) {
    std::optional<std::string_view> name = list_name(key, kDeleteFromList);
    if (!name) return ApiStatus::bad_request("invalid patch format of primitive list");
    Value* there = find_entry(original, *name);
    if (!there || there->is_null()) return {};
    if (gone.is_null()) *there = Value();
    if (gone.type != ValueType::kList || there->type != ValueType::kList) return {};
    KeyIndex index(*gone.node, {});
    Value left = arena_.make(ValueType::kList);
    for (const Value& item : there->node->items()) {
      if (index.find(item) < 0) append(arena_, *left.node, item);
    }
    *there = left;
    return {};
  }

  static Result<void> check_elements(const Value& original, const Value& patch) {
    const Value* first = nullptr;
    for (const Node* list : {original.node, patch.node}) {
      for (const Value& item : list->items()) {
        if (!first && item.type == ValueType::kList) return rejected();
        if (!first) first = &item;
        if (item.type == first->type) continue;
        return plain_error("list element types are not identical: [" + go_value_text(original) +
                           " " + go_value_text(patch) + "]");
      }
    }
    return {};
  }

  Result<Value> merge_list(Value original, Value patch, const MemberRule& rule) {
    if (!rule.merge_list) return patch;
    if (original.node->size == 0 && patch.node->size == 0) return original;
    auto alike = check_elements(original, patch);
    if (!alike) return alike.error();
    const Value& sample = original.node->size > 0 ? original.node->data[0] : patch.node->data[0];
    if (sample.type != ValueType::kMap) return merge_scalars(original, patch);
    if (rule.merge_key.empty()) {
      return plain_error("cannot merge lists without merge key for struct");
    }
    bool replaced = false;
    auto special = apply_list_directives(original, patch, rule.merge_key, replaced);
    if (!special) return special.error();
    if (replaced) return patch;
    Value server = arena_.clone(original);
    auto merged = merge_keyed(original, patch, rule);
    if (!merged) return merged.error();
    return order_elements(*merged, patch, server, rule.merge_key, arena_);
  }

  Value merge_scalars(Value original, Value patch) {
    Value both = arena_.make(ValueType::kList);
    KeyIndex seen(*both.node, {});
    for (const Node* list : {original.node, patch.node}) {
      for (const Value& item : list->items()) {
        if (seen.find(item) >= 0) continue;
        seen.add(item, 0);
        append(arena_, *both.node, item);
      }
    }
    return order_elements(both, patch, original, {}, arena_);
  }

  // Takes the items with $patch out of the patch list and does what they say.
  Result<void> apply_list_directives(Value& original, Value& patch, std::string_view merge_key,
                                     bool& replaced) {
    Value plain = arena_.make(ValueType::kList);
    Value gone = arena_.make(ValueType::kList);
    for (const Value& item : patch.node->items()) {
      Value* directive = find_entry(*item.node, kPatch);
      if (!directive) {
        append(arena_, *plain.node, item);
        continue;
      }
      if (directive->as_text() == "replace") {
        replaced = true;
      } else if (directive->as_text() == "delete") {
        if (!find_entry(*item.node, merge_key)) return missing_key(item, merge_key);
        append(arena_, *gone.node, item);
      } else if (directive->as_text() == "merge") {
        return plain_error("merging lists cannot yet be specified in the patch");
      } else {
        return unknown_directive(*directive, item);
      }
    }
    patch = plain;
    if (gone.node->size == 0) return {};
    KeyIndex index(*gone.node, merge_key);
    Value left = arena_.make(ValueType::kList);
    for (const Value& item : original.node->items()) {
      if (index.find(item) < 0) append(arena_, *left.node, item);
    }
    original = left;
    return {};
  }

  Result<Value> merge_keyed(Value original, Value patch, const MemberRule& rule) {
    KeyIndex index(*original.node, rule.merge_key);
    for (const Value& item : patch.node->items()) {
      if (!find_entry(*item.node, rule.merge_key)) return missing_key(item, rule.merge_key);
      int match = index.find(item);
      if (match < 0) {
        index.add(item, static_cast<int>(original.node->size));
        append(arena_, *original.node, item);
        continue;
      }
      // The merge may edit the patch item; its key is still needed to order the result.
      Value& there = original.node->data[match];
      auto merged = merge_map(there, arena_.clone(item), rule.type);
      if (!merged) return merged.error();
      original.node->data[match] = *merged;
    }
    return original;
  }

  // A value where there was none, or another kind of value: without nulls in its objects, and
  // without the objects that carry $patch.
  Value new_value(const Value& value) { return no_directives(without_nulls(value)); }

  Value without_nulls(const Value& value) {
    if (!value.is_node()) return value;
    Value clean = arena_.make(value.type, value.node->size);
    bool map = value.type == ValueType::kMap;
    for (uint32_t i = 0; i < value.node->size; i += map ? 2 : 1) {
      const Value& inner = value.node->data[map ? i + 1 : i];
      if (map && inner.is_null()) continue;
      if (map) append(arena_, *clean.node, value.node->data[i]);
      append(arena_, *clean.node, without_nulls(inner));
    }
    return clean;
  }

  static bool is_directive(const Value& value) {
    return value.type == ValueType::kMap && find_entry(*value.node, kPatch);
  }

  Value no_directives(const Value& value) {
    if (is_directive(value)) return {};
    if (!value.is_node()) return value;
    Value clean = arena_.make(value.type, value.node->size);
    bool map = value.type == ValueType::kMap;
    for (uint32_t i = 0; i < value.node->size; i += map ? 2 : 1) {
      const Value& inner = value.node->data[map ? i + 1 : i];
      if (is_directive(inner)) continue;
      if (map) append(arena_, *clean.node, value.node->data[i]);
      append(arena_, *clean.node, no_directives(inner));
    }
    return clean;
  }

  Arena& arena_;
};

}  // namespace

Result<Value> apply_strategic_merge(Value document, Value patch, const schema::Message& type,
                                    Arena& arena) {
  if (patch.type != ValueType::kMap || document.type != ValueType::kMap) {
    return ApiStatus::bad_request("invalid JSON document");
  }
  return Merger(arena).merge_map(document, patch, &type);
}

}  // namespace tiphys::apiserver
