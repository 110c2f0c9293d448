#include "apiserver/apply/pruning.h"

#include <map>

#include "apiserver/apply/schema_tree.h"
#include "apiserver/managed_fields/changes.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

// Named fields above members count as members: a struct whose last owned field goes, goes too
// (fieldpath's EnsureNamedFieldsAreMembers).
FieldSet with_parents(const FieldSet& set) {
  FieldSet out;
  for (const FieldSet::Path& path : set.paths()) {
    FieldSet::Path at;
    for (const std::string& element : path) {
      at.push_back(element);
      if (at.size() == path.size() || element.starts_with("f:")) out.insert(at);
    }
  }
  return out;
}

class Pruner {
 public:
  Pruner(const schema::Resource& last_resource, const ManagerEntry& last, Arena& arena)
      : last_resource_(last_resource), last_(last), arena_(arena) {}

  // merged: a tree of the last apply's version.
  Result<Value> prune(const Value& merged, const Managers& managers) {
    Value pruned = without(last_resource_, merged, with_parents(last_.fields));
    TIPHYS_TRY(Value, owned, add_back_owned(merged, pruned, managers));
    FieldSet gone = with_parents(set_of(last_resource_, merged));
    gone.subtract(with_parents(set_of(last_resource_, owned)));
    return without(last_resource_, merged, gone.intersection(with_parents(last_.fields)));
  }

 private:
  static FieldSet set_of(const schema::Resource& resource, const Value& tree) {
    return field_set_of(*resource.message, tree);
  }

  Value without(const schema::Resource& resource, const Value& tree, const FieldSet& set) {
    Value copy = arena_.clone(tree);
    remove_items(*resource.message, copy, set);
    return copy;
  }

  // Version by version, the last apply's first: what others need may be gone by a conversion.
  Result<Value> add_back_owned(const Value& merged, Value pruned, const Managers& managers) {
    std::map<const schema::Resource*, FieldSet> owned;
    owned[&last_resource_] = FieldSet();
    for (const ManagerEntry& entry : managers) {
      const schema::Resource* resource = resource_in_version(last_resource_, entry.api_version);
      if (resource) owned[resource].unite(entry.fields);
    }
    keep_owned(last_resource_, merged, pruned, owned[&last_resource_]);
    for (const auto& [resource, fields] : owned) {
      if (resource == &last_resource_) continue;
      TIPHYS_TRY(Value, whole, convert_tree(last_resource_, *resource, merged, arena_));
      TIPHYS_TRY(Value, part, convert_tree(last_resource_, *resource, pruned, arena_));
      keep_owned(*resource, whole, part, fields);
      TIPHYS_TRY(Value, back, convert_tree(*resource, last_resource_, part, arena_));
      pruned = back;
    }
    return pruned;
  }

  // pruned becomes merged without what is neither in pruned nor owned.
  void keep_owned(const schema::Resource& resource, const Value& merged, Value& pruned,
                  const FieldSet& owned) {
    FieldSet gone = with_parents(set_of(resource, merged));
    gone.subtract(with_parents(set_of(resource, pruned)));
    gone.subtract(with_parents(owned));
    pruned = without(resource, merged, gone);
  }

  const schema::Resource& last_resource_;
  const ManagerEntry& last_;
  Arena& arena_;
};

}  // namespace

Result<Value> convert_tree(const schema::Resource& from, const schema::Resource& to,
                           const Value& tree, Arena& arena) {
  if (&from == &to) return tree;
  Draft draft(*from.message, &from.type->gvk);
  auto root = codec::from_any(draft.arena().clone(tree), *from.message, draft.arena(), nullptr);
  if (!root) return root.error();
  draft.set_root(*root);
  ObjectPtr converted = convert_object(from, to, std::move(draft));
  return codec::to_any(converted->type(), converted->root(), arena);
}

Result<Value> prune(const schema::Resource& resource, Value merged, const ManagerEntry& last,
                    const Managers& managers, Arena& arena) {
  if (last.fields.empty()) return merged;
  const schema::Resource* last_resource = resource_in_version(resource, last.api_version);
  if (!last_resource) return merged;
  TIPHYS_TRY(Value, tree, convert_tree(resource, *last_resource, merged, arena));
  TIPHYS_TRY(Value, pruned, Pruner(*last_resource, last, arena).prune(tree, managers));
  return convert_tree(*last_resource, resource, pruned, arena);
}

}  // namespace tiphys::apiserver
