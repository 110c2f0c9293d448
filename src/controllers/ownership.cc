#include "controllers/ownership.h"

#include <utility>

#include "client/object_key.h"
#include "codec/codec.h"

namespace tiphys::controllers {

std::optional<meta_v1::OwnerReference> controller_of(const Object& object) {
  for (meta_v1::OwnerReference owner : metadata(object).owner_references()) {
    if (owner.controller()) return owner;
  }
  return std::nullopt;
}

LabelSelector selector_of(const meta_v1::LabelSelector& selector, bool present) {
  if (!present) return LabelSelector::nothing();
  Result<LabelSelector> result = to_selector(selector);
  return result ? std::move(*result) : LabelSelector::nothing();
}

std::vector<std::string> controller_index_keys(const Object& object) {
  std::optional<meta_v1::OwnerReference> owner = controller_of(object);
  if (owner) return {std::string(owner->uid())};
  return {"/" + std::string(metadata(object).namespace_())};
}

std::vector<ObjectPtr> claim_candidates(const client::Informer& informer, const Object& owner) {
  meta_v1::ObjectMeta meta = metadata(owner);
  std::vector<ObjectPtr> result = informer.by_index(kByController, meta.uid());
  std::string orphans = "/" + std::string(meta.namespace_());
  for (ObjectPtr& orphan : informer.by_index(kByController, orphans)) {
    result.push_back(std::move(orphan));
  }
  return result;
}

std::vector<ObjectPtr> owners_concerned(
    const client::Informer& owners, std::string_view kind, const Object& dependent,
    const std::function<LabelSelector(const ObjectPtr&)>& selector) {
  std::vector<ObjectPtr> result;
  meta_v1::ObjectMeta meta = client::metadata(dependent);
  if (std::optional<meta_v1::OwnerReference> owner = controller_of(dependent)) {
    if (owner->kind() != kind) return result;
    ObjectPtr known = owners.get(meta.namespace_(), owner->name());
    if (known) result.push_back(std::move(known));
    return result;
  }
  for (ObjectPtr& candidate : owners.list(meta.namespace_())) {
    if (selector(candidate).matches(meta.labels().node())) result.push_back(std::move(candidate));
  }
  return result;
}

Claim claim(const Object& owner, const LabelSelector& selector,
            const std::vector<ObjectPtr>& candidates) {
  Claim result;
  meta_v1::ObjectMeta owner_meta = metadata(owner);
  bool owner_dies = owner_meta.has_deletion_timestamp();
  for (const ObjectPtr& object : candidates) {
    meta_v1::ObjectMeta meta = metadata(*object);
    if (meta.namespace_() != owner_meta.namespace_()) continue;
    bool selected = selector.matches(meta.labels().node());
    std::optional<meta_v1::OwnerReference> controller = controller_of(*object);
    if (controller) {
      if (controller->uid() != owner_meta.uid()) continue;
      if (selected) {
        result.ours.push_back(object);
      } else if (!owner_dies) {
        result.release.push_back(object);
      }
    } else if (selected && !owner_dies && !meta.has_deletion_timestamp()) {
      result.adopt.push_back(object);
    }
  }
  return result;
}

namespace {

// Without its owner reference and the finalizer.
void let_go(meta_v1::ObjectMetaEdit meta, std::string_view owner_uid, std::string_view finalizer) {
  auto references = meta.edit_owner_references();
  for (size_t i = references.size(); i-- > 0;) {
    if (references[i].view().uid() == owner_uid) references.erase(i);
  }
  if (references.empty()) meta.clear_owner_references();
  auto finalizers = meta.edit_finalizers();
  for (size_t i = finalizers.size(); i-- > 0;) {
    if (!finalizer.empty() && finalizers[i] == finalizer) finalizers.erase(i);
  }
  if (finalizers.empty()) meta.clear_finalizers();
}

ObjectPtr released(const Object& object, const Object& owner, std::string_view finalizer) {
  Draft draft(object);
  let_go(client::edit_metadata(draft), metadata(owner).uid(), finalizer);
  return draft.freeze();
}

ObjectPtr adopted(const Object& object, const Object& owner, std::string_view finalizer) {
  Draft draft(object);
  meta_v1::ObjectMetaEdit meta = client::edit_metadata(draft);
  let_go(meta, metadata(owner).uid(), finalizer);
  set_controller(draft, owner);
  if (!finalizer.empty()) meta.edit_finalizers().append(finalizer);
  return draft.freeze();
}

void append_json(const meta_v1::OwnerReference& reference, std::string& out) {
  out += R"({"apiVersion":)";
  codec::append_json_string(reference.api_version(), out);
  out += R"(,"kind":)";
  codec::append_json_string(reference.kind(), out);
  out += R"(,"name":)";
  codec::append_json_string(reference.name(), out);
  out += R"(,"uid":)";
  codec::append_json_string(reference.uid(), out);
  if (reference.controller()) out += R"(,"controller":true)";
  if (reference.block_owner_deletion()) out += R"(,"blockOwnerDeletion":true)";
  out += '}';
}

void append_json(std::string_view text, std::string& out) { codec::append_json_string(text, out); }

template <class List>
void append_list(std::string_view name, const List& list, std::string& out) {
  out += ",\"" + std::string(name) + "\":[";
  bool first = true;
  for (const auto& item : list) {
    if (!std::exchange(first, false)) out += ',';
    append_json(item, out);
  }
  out += ']';
}

// The owners and finalizers of `now` for exactly that version of the object. A patch, as few
// controllers may update pods.
Action owners_patch(const schema::Resource& resource, const ObjectPtr& object,
                    const ObjectPtr& now) {
  std::string patch = R"({"metadata":{"uid":)";
  codec::append_json_string(metadata(*object).uid(), patch);
  patch += R"(,"resourceVersion":)";
  codec::append_json_string(metadata(*object).resource_version(), patch);
  append_list("ownerReferences", metadata(*now).owner_references(), patch);
  append_list("finalizers", metadata(*now).finalizers(), patch);
  Action action = patch_action(resource, object, patch + "}}");
  action.patch_type = client::PatchType::kMerge;
  action.batch = 1;
  return action;
}

}  // namespace

void add_claim_actions(const Claim& claim, const schema::Resource& owner_resource,
                       const ObjectPtr& owner, const schema::Resource& resource, Decision& decision,
                       std::string_view finalizer) {
  if (!claim.adopt.empty()) decision.add(verify_action(owner_resource, owner));
  for (const ObjectPtr& object : claim.adopt) {
    decision.add(owners_patch(resource, object, adopted(*object, *owner, finalizer)));
  }
  for (const ObjectPtr& object : claim.release) {
    decision.add(owners_patch(resource, object, released(*object, *owner, finalizer)));
  }
}

}  // namespace tiphys::controllers
