#include "apiserver/apply/apply.h"

#include <algorithm>

#include "apiserver/apply/schema_tree.h"
#include "apiserver/managed_fields/comparison.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/managed_fields/managers.h"
#include "apiserver/managed_fields/reset_fields.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kBeforeApply = "before-first-apply";

// Removal of a struct's last owned field removes the struct: named fields above members count as
// members (fieldpath's EnsureNamedFieldsAreMembers).
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

// ".spec.containers[name=\"a\"].image"
std::string path_text(const FieldSet::Path& path) {
  std::string text;
  for (const std::string& element : path) {
    std::string_view rest = std::string_view(element).substr(2);
    if (element.starts_with("f:")) {
      text += "." + std::string(rest);
    } else if (element.starts_with("k:")) {
      Arena arena;
      auto keys = codec::decode_json_any(rest, arena);
      text += '[';
      for (uint32_t i = 0; keys && i + 1 < keys->as_node().size; i += 2) {
        if (i > 0) text += ',';
        text += std::string(keys->node->data[i].as_text()) + "=";
        codec::encode_json_any(keys->node->data[i + 1], text);
      }
      text += ']';
    } else {
      text += "[" + std::string(element.starts_with("v:") ? "=" : "") + std::string(rest) + "]";
    }
  }
  return text;
}

struct Conflicts {
  std::string owner;  // '"m1"' or '"golden" using v1'
  std::vector<std::string> fields;
};

std::string owner_text(const ManagerEntry& entry) {
  std::string text = go_quote(entry.manager);
  if (!entry.subresource.empty()) text += " with subresource " + go_quote(entry.subresource);
  if (entry.operation == "Update") {
    text += " using " + entry.api_version;
  }
  return text;
}

ApiStatus conflict_status(std::vector<Conflicts> conflicts) {
  std::sort(conflicts.begin(), conflicts.end(),
            [](const Conflicts& a, const Conflicts& b) { return a.owner < b.owner; });
  ApiStatus::Data data;
  data.code = 409;
  data.reason = "Conflict";
  data.has_details = true;
  size_t count = 0;
  for (const Conflicts& conflict : conflicts) {
    for (const std::string& field : conflict.fields) {
      data.details.causes.push_back({.reason = "FieldManagerConflict",
                                     .message = "conflict with " + conflict.owner,
                                     .field = field});
      ++count;
    }
  }
  if (count == 1) {
    data.message = "Apply failed with 1 conflict: conflict with " + conflicts[0].owner + ": " +
                   conflicts[0].fields[0];
    return ApiStatus(std::move(data));
  }
  data.message = "Apply failed with " + std::to_string(count) + " conflicts: ";
  for (size_t i = 0; i < conflicts.size(); ++i) {
    if (i > 0) data.message += '\n';
    data.message += "conflicts with " + conflicts[i].owner + ":";
    for (const std::string& field : conflicts[i].fields) data.message += "\n- " + field;
  }
  return ApiStatus(std::move(data));
}

Result<void> check_patch(const ApplyRequest& request, const Value& patch) {
  const GroupVersionKind& gvk = request.resource->type->gvk;
  if (patch.type != ValueType::kMap) {
    return ApiStatus::bad_request("error decoding YAML: the patch is no object");
  }
  std::string_view version = patch.node->find("apiVersion").as_text();
  if (version != gvk.api_version()) {
    return ApiStatus::bad_request(
        "Incorrect version specified in apply patch. Specified patch "
        "version: " +
        std::string(version) + ", expected: " + gvk.api_version());
  }
  std::string_view kind = patch.node->find("kind").as_text();
  if (kind != gvk.kind) {
    return ApiStatus::bad_request(
        "Incorrect kind specified in apply patch. Specified patch kind: " + std::string(kind) +
        ", expected: " + std::string(gvk.kind));
  }
  const Value& metadata = patch.node->find("metadata");
  if (metadata.type == ValueType::kMap && metadata.node->find("managedFields").as_node().size > 0) {
    return ApiStatus::bad_request("metadata.managedFields must be nil");
  }
  return {};
}

class Applier {
 public:
  Applier(const ApplyRequest& request, const Object* live)
      : request_(request), type_(*request.resource->message), live_(live) {}

  Result<Draft> apply(const Value& patch) {
    Value config = arena_.clone(patch);
    erase_entry(*config.node, "kind");
    erase_entry(*config.node, "apiVersion");
    read_managers_before();
    TIPHYS_TRY(FieldSet, set, field_set_of(type_, config));
    strip_system_fields(set);
    remove_reset_fields(type_, *request_.resource, request_.subresource, set);
    ManagerEntry own = take_own_entry();
    FieldSet last = own.fields;
    own.fields = set;
    Value merged = config;
    if (live_) {
      Value tree = codec::to_any(type_, live_->root(), arena_);
      merged = merge_trees(type_, tree, config, arena_);
    }
    prune(merged, set, last);
    TIPHYS_TRY(Draft, object, typed(merged));
    auto settled = settle_conflicts(object);
    if (!settled) return settled.error();
    bool changed = !live_ || !(last == set) || content_changed_;
    if (changed) own.time = now();
    managers_.push_back(std::move(own));
    apply_defaults(*request_.resource, object);
    write_managers(object, std::move(managers_));
    return object;
  }

 private:
  MicroTime now() const { return request_.now - request_.now % kMicrosPerSecond; }

  void read_managers_before() {
    if (!live_) return;
    auto managers = read_managers(type_, live_->root());
    if (managers) managers_ = std::move(*managers);
    if (!managers_.empty()) return;
    // What is there was written before anybody applied: somebody must own it.
    ManagerEntry before;
    before.manager = kBeforeApply;
    before.operation = "Update";
    before.api_version = request_.resource->type->gvk.api_version();
    before.time = now();
    before.fields = compare_objects(type_, nullptr, live_->root()).added;
    managers_.push_back(std::move(before));
  }

  ManagerEntry take_own_entry() {
    ManagerEntry own;
    own.manager = request_.manager;
    own.operation = "Apply";
    own.api_version = request_.resource->type->gvk.api_version();
    own.subresource = request_.subresource;
    own.time = now();
    for (size_t i = 0; i < managers_.size(); ++i) {
      if (!managers_[i].same_identity(own)) continue;
      own.fields = std::move(managers_[i].fields);
      own.time = managers_[i].time;
      managers_.erase(managers_.begin() + static_cast<long>(i));
      break;
    }
    return own;
  }

  // Removes what this manager applied the last time, applies no more, and nobody else owns.
  void prune(Value& merged, const FieldSet& set, const FieldSet& last) {
    if (last.empty()) return;
    FieldSet owned = set;
    for (const ManagerEntry& entry : managers_) owned.unite(entry.fields);
    FieldSet gone = with_parents(last);
    gone.subtract(with_parents(owned));
    strip_system_fields(gone);
    remove_items(type_, merged, gone);
  }

  Result<Draft> typed(const Value& tree) {
    const schema::Kind& kind = *request_.resource->type;
    Draft draft(type_, &kind.gvk);
    auto root = codec::from_any(draft.arena().clone(tree), type_, draft.arena(), nullptr);
    if (!root) {
      return ApiStatus(500, "", "failed to create typed patch object: " + root.error().message());
    }
    draft.set_root(*root);
    return draft;
  }

  Result<void> settle_conflicts(const Draft& object) {
    Comparison difference = compare_objects(type_, live_ ? &live_->root() : nullptr, object.root());
    FieldSet taken = difference.modified;
    taken.unite(difference.added);
    content_changed_ = !taken.empty() || !difference.removed.empty();
    std::vector<Conflicts> conflicts;
    for (ManagerEntry& entry : managers_) {
      FieldSet common = entry.fields.intersection(taken);
      if (!common.empty()) {
        Conflicts conflict{owner_text(entry), {}};
        for (const FieldSet::Path& path : common.paths())
          conflict.fields.push_back(path_text(path));
        conflicts.push_back(std::move(conflict));
        entry.fields.subtract(common);
      }
      entry.fields.subtract(difference.removed);
    }
    if (!conflicts.empty() && !request_.force) return conflict_status(std::move(conflicts));
    return {};
  }

  const ApplyRequest& request_;
  const schema::Message& type_;
  const Object* live_;
  Arena arena_;
  Managers managers_;
  bool content_changed_ = false;
};

}  // namespace

Result<Draft> apply_object(const ApplyRequest& request, const Object* live, const Value& patch) {
  auto checked = check_patch(request, patch);
  if (!checked) return checked.error();
  return Applier(request, live).apply(patch);
}

}  // namespace tiphys::apiserver
