#include "apiserver/apply/apply.h"

#include "apiserver/apply/config_check.h"
#include "apiserver/apply/conflicts.h"
#include "apiserver/apply/last_applied.h"
#include "apiserver/apply/pruning.h"
#include "apiserver/apply/schema_tree.h"
#include "apiserver/managed_fields/changes.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/managed_fields/reset_fields.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kBeforeApply = "before-first-apply";

std::string_view text_at(const Value& tree, std::string_view outer, std::string_view inner) {
  return tree.as_node().find(outer).as_node().find(inner).as_text();
}

// Go's text of a GroupVersionKind: "apps/v1, Kind=Deployment", "/v1, Kind=ConfigMap".
std::string type_text(const Value& patch) {
  std::string_view version = patch.node->find("apiVersion").as_text();
  std::string_view kind = patch.node->find("kind").as_text();
  std::string slash = version.find('/') == std::string_view::npos ? "/" : "";
  return slash + std::string(version) + ", Kind=" + std::string(kind);
}

// "ns/name; /v1, Kind=ConfigMap", from the configuration.
std::string identity_text(const Value& patch) {
  return std::string(text_at(patch, "metadata", "namespace")) + "/" +
         std::string(text_at(patch, "metadata", "name")) + "; " + type_text(patch);
}

Result<void> check_patch(const schema::Kind& kind, const Value& patch) {
  if (patch.type != ValueType::kMap) {
    return ApiStatus::bad_request("error decoding YAML: the patch is no object");
  }
  if (patch.node->find("kind").as_text() != kind.gvk.kind ||
      patch.node->find("apiVersion").as_text() != kind.gvk.api_version()) {
    return ApiStatus::bad_request("invalid object type: " + type_text(patch));
  }
  if (patch.node->find("metadata").as_node().find("managedFields").is_node()) {
    return ApiStatus::bad_request("metadata.managedFields must be nil");
  }
  return {};
}

class Applier {
 public:
  Applier(const ApplyRequest& request, const Object* live, const Value& patch)
      : request_(request), type_(*request.resource->message), live_(live), patch_(patch) {}

  Result<Draft> apply() {
    TIPHYS_TRY(Value, config, checked_config());
    auto read = read_managers_before();
    if (!read) return read.error();
    ManagerEntry own = take_own_entry();
    ManagerEntry last = own;
    own.api_version = request_.resource->type->gvk.api_version();
    own.fields = field_set_of(type_, config);
    remove_reset_fields(type_, *request_.resource, request_.subresource, own.fields);
    Value merged = config;
    if (live_) {
      merged = merge_trees(type_, codec::to_any(type_, live_->root(), arena_), config, arena_);
    }
    managers_.push_back(own);
    auto pruned = prune(*request_.resource, merged, last, managers_, arena_);
    managers_.pop_back();
    if (!pruned) return pruned.error();
    TIPHYS_TRY(Draft, object, typed(*pruned));
    auto settled = settle_conflicts(object);
    if (!settled) return settled.error();
    strip_system_fields(own.fields);
    if (changes_content(object) || !(last.fields == own.fields)) own.time = now();
    managers_.push_back(std::move(own));
    finish(object);
    return object;
  }

 private:
  MicroTime now() const { return request_.now - request_.now % kMicrosPerSecond; }

  Result<Value> checked_config() {
    Value config = arena_.clone(patch_);
    erase_entry(*config.node, "kind");
    erase_entry(*config.node, "apiVersion");
    std::string problems = config_problems(type_, config);
    if (problems.empty()) return config;
    return ApiStatus(
        500, "",
        "failed to create typed patch object (" + identity_text(patch_) + "): " + problems);
  }

  Result<void> read_managers_before() {
    if (!live_) return {};
    auto managers = read_managers(type_, live_->root());
    if (!managers) {
      return ApiStatus(500, "", "failed to decode managed fields: " + managers.error().message());
    }
    managers_ = std::move(*managers);
    if (!managers_.empty()) return {};
    // What is there was written before anybody applied: somebody must own it.
    ManagerEntry before =
        update_entry(*request_.resource, request_.subresource, kBeforeApply, request_.now);
    before.fields = compare_objects(type_, nullptr, live_->root()).added;
    remove_reset_fields(type_, *request_.resource, request_.subresource, before.fields);
    if (!before.fields.empty()) managers_.push_back(std::move(before));
    return {};
  }

  ManagerEntry take_own_entry() {
    ManagerEntry own;
    own.manager = request_.manager;
    own.operation = "Apply";
    own.subresource = request_.subresource;
    for (size_t i = 0; i < managers_.size(); ++i) {
      if (!managers_[i].same_identity(own)) continue;
      own = std::move(managers_[i]);
      managers_.erase(managers_.begin() + static_cast<long>(i));
      break;
    }
    return own;
  }

  Result<Draft> typed(const Value& tree) {
    const schema::Kind& kind = *request_.resource->type;
    Draft draft(type_, &kind.gvk);
    auto root = codec::from_any(draft.arena().clone(tree), type_, draft.arena(), nullptr);
    if (!root) {
      return ApiStatus(500, "",
                       "failed to convert new object (" + identity_text(patch_) +
                           ") to proper version: " + root.error().message());
    }
    draft.set_root(*root);
    return draft;
  }

  Result<void> settle_conflicts(const Draft& object) {
    Changes changes(*request_.resource, request_.subresource, live_, object);
    Managers conflicts = changes.take_from(managers_);
    if (conflicts.empty() || request_.force) return {};
    if (request_.manager == kKubectl && live_) {
      FieldSet allowed = last_applied_fields(*request_.resource, *live_);
      for (ManagerEntry& conflict : conflicts) conflict.fields.subtract(allowed);
      std::erase_if(conflicts, [](const ManagerEntry& entry) { return entry.fields.empty(); });
      if (conflicts.empty()) return {};
    }
    return conflict_status(std::move(conflicts));
  }

  bool changes_content(const Draft& object) const {
    if (!live_) return true;
    Node before = live_->root();
    Node after = object.root();
    return !equal(Value::of_node(ValueType::kStruct, &before),
                  Value::of_node(ValueType::kStruct, &after));
  }

  void finish(Draft& object) {
    apply_defaults(*request_.resource, object);
    if (request_.manager == kKubectl) update_last_applied(object, patch_);
    write_managers(object, std::move(managers_));
  }

  const ApplyRequest& request_;
  const schema::Message& type_;
  const Object* live_;
  const Value& patch_;
  Arena arena_;
  Managers managers_;
};

}  // namespace

Result<Draft> apply_object(const ApplyRequest& request, const Object* live, const Value& patch) {
  auto checked = check_patch(*request.resource->type, patch);
  if (!checked) return checked.error();
  return Applier(request, live, patch).apply();
}

}  // namespace tiphys::apiserver
