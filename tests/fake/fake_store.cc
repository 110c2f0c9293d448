#include "tests/fake/fake_store.h"

#include "client/object_key.h"
#include "kinds/core_v1.h"

namespace tiphys::fake {

using client::edit_metadata;
using client::metadata;

namespace {

std::pair<std::string, std::string> table_key(const schema::Resource& resource) {
  return {std::string(resource.group), std::string(resource.resource)};
}

// Takes a field ("spec", "status") of `from` into `to`.
void copy_field(int16_t field, const Object& from, Draft& to) {
  if (field < 0) return;
  auto index = static_cast<uint16_t>(field);
  set_field(to.arena(), to.root(), index, to.arena().clone(from.root().field(index)));
}

int64_t grace_of(const schema::Resource& resource, const Object& object, const Object* options) {
  if (resource.resource != "pods") return 0;
  core_v1::Pod pod(object);
  if (pod.spec().node_name().empty()) return 0;
  if (options && meta_v1::DeleteOptions(*options).has_grace_period_seconds()) {
    return meta_v1::DeleteOptions(*options).grace_period_seconds();
  }
  bool set = pod.spec().has_termination_grace_period_seconds();
  return set ? pod.spec().termination_grace_period_seconds() : 30;
}

}  // namespace

const FakeStore::Objects& FakeStore::objects(const schema::Resource& resource) const {
  static const Objects none;
  auto found = resources_.find(table_key(resource));
  return found == resources_.end() ? none : found->second;
}

ObjectPtr FakeStore::get(const schema::Resource& resource, const std::string& ns,
                         const std::string& name) const {
  const Objects& all = objects(resource);
  auto found = all.find({ns, name});
  return found == all.end() ? nullptr : found->second;
}

void FakeStore::commit(const schema::Resource& resource, client::WatchEvent::Type type, Draft draft,
                       ObjectPtr* out) {
  ++revision_;
  edit_metadata(draft).set_resource_version(std::to_string(revision_));
  ObjectPtr object = draft.freeze();
  meta_v1::ObjectMeta meta = metadata(*object);
  Key key{std::string(meta.namespace_()), std::string(meta.name())};
  Objects& objects = resources_[table_key(resource)];
  if (type == client::WatchEvent::Type::kDeleted) {
    objects.erase(key);
  } else {
    objects[key] = object;
  }
  history_.push_back({revision_, &resource, {type, object, std::nullopt}});
  if (out) *out = object;
}

Result<ObjectPtr> FakeStore::create(const schema::Resource& resource, const std::string& ns,
                                    ObjectPtr object, MicroTime now) {
  Draft draft(*object);
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  if (resource.namespaced) {
    meta.set_namespace(ns);
    const schema::Resource& namespaces = *schema::find_resource("", "v1", "namespaces");
    ObjectPtr space = get(namespaces, "", ns);
    if (space && metadata(*space).has_deletion_timestamp()) {
      return ApiStatus::forbidden(
          resource.group, resource.resource, meta.view().name(),
          "unable to create new content in namespace " + ns + " because it is being terminated");
    }
  }
  if (meta.view().name().empty()) {
    meta.set_name(std::string(meta.view().generate_name()) + random_.name_suffix());
  }
  std::string name(meta.view().name());
  if (get(resource, ns, name)) {
    return ApiStatus::already_exists(resource.group, resource.resource, name);
  }
  meta.set_uid(random_.uuid());
  meta.set_creation_timestamp(now);
  meta.set_generation(1);
  meta.clear_deletion_timestamp();
  if (resource.resource == "namespaces") {
    core_v1::NamespaceEdit(draft).edit_spec().edit_finalizers().append("kubernetes");
    core_v1::NamespaceEdit(draft).edit_status().set_phase("Active");
  }
  ObjectPtr created;
  commit(resource, client::WatchEvent::Type::kAdded, std::move(draft), &created);
  return created;
}

Result<ObjectPtr> FakeStore::update(const schema::Resource& resource, const ObjectPtr& object,
                                    const std::string& sub) {
  meta_v1::ObjectMeta meta = metadata(*object);
  std::string name(meta.name());
  ObjectPtr old = get(resource, std::string(meta.namespace_()), name);
  if (!old) return ApiStatus::not_found(resource.group, resource.resource, name);
  meta_v1::ObjectMeta old_meta = metadata(*old);
  bool stale =
      !meta.resource_version().empty() && meta.resource_version() != old_meta.resource_version();
  if (stale || (!meta.uid().empty() && meta.uid() != old_meta.uid())) {
    return ApiStatus::conflict(resource.group, resource.resource, name,
                               "the object has been modified; please apply your changes to the "
                               "latest version and try again");
  }
  bool sub_status = sub == "status";
  Draft draft(sub_status ? *old : *object);
  const schema::Message& type = old->type();
  if (sub_status) {
    copy_field(type.status_field, *object, draft);
    edit_metadata(draft).set_annotations(meta.annotations());
    if (meta.annotations().empty()) edit_metadata(draft).clear_annotations();
  }
  if (sub.empty() && resource.find_subresource("status")) {
    copy_field(type.status_field, *old, draft);
  }
  meta_v1::ObjectMetaEdit edit = edit_metadata(draft);
  edit.set_resource_version(old_meta.resource_version());
  edit.set_uid(old_meta.uid());
  edit.set_creation_timestamp(old_meta.creation_timestamp());
  edit.set_generation(old_meta.generation());
  if (old_meta.has_deletion_timestamp()) {
    edit.set_deletion_timestamp(old_meta.deletion_timestamp());
  } else {
    edit.clear_deletion_timestamp();
  }
  if (!sub_status && type.spec_field >= 0) {
    auto spec = static_cast<uint16_t>(type.spec_field);
    bool same = equal(draft.root().field(spec), old->root().field(spec));
    if (!same) edit.set_generation(old_meta.generation() + 1);
  }
  if (equal(Value::of_node(ValueType::kStruct, &draft.root()),
            Value::of_node(ValueType::kStruct, const_cast<Node*>(&old->root())))) {
    return old;
  }
  bool last = old_meta.has_deletion_timestamp() && edit.view().finalizers().empty() &&
              !edit.view().has_deletion_grace_period_seconds();
  if (resource.resource == "namespaces") {
    last = last && core_v1::NamespaceEdit(draft).view().spec().finalizers().empty();
  }
  ObjectPtr written;
  commit(resource, last ? client::WatchEvent::Type::kDeleted : client::WatchEvent::Type::kModified,
         std::move(draft), &written);
  return written;
}

Result<ObjectPtr> FakeStore::mark_deleted(const schema::Resource& resource, const ObjectPtr& old,
                                          const Object* options, MicroTime now) {
  Draft draft(*old);
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  std::string policy;
  if (options) policy = meta_v1::DeleteOptions(*options).propagation_policy();
  if (policy == "Foreground" && !has_finalizer(*old, "foregroundDeletion")) {
    meta.edit_finalizers().append("foregroundDeletion");
  }
  if (policy == "Orphan" && !has_finalizer(*old, "orphan")) meta.edit_finalizers().append("orphan");
  int64_t grace = grace_of(resource, *old, options);
  bool waits = grace > 0 || !meta.view().finalizers().empty();
  if (resource.resource == "namespaces") {
    waits = waits || !core_v1::Namespace(*old).spec().finalizers().empty();
    core_v1::NamespaceEdit(draft).edit_status().set_phase("Terminating");
  }
  if (waits && meta.view().has_deletion_timestamp()) return old;
  ObjectPtr written;
  if (waits) {
    meta.set_deletion_timestamp(now + grace * kMicrosPerSecond);
    if (grace > 0) meta.set_deletion_grace_period_seconds(grace);
    commit(resource, client::WatchEvent::Type::kModified, std::move(draft), &written);
  } else {
    commit(resource, client::WatchEvent::Type::kDeleted, std::move(draft), &written);
  }
  return written;
}

Result<ObjectPtr> FakeStore::remove(const schema::Resource& resource, const std::string& ns,
                                    const std::string& name, const Object* options, MicroTime now) {
  ObjectPtr old = get(resource, ns, name);
  if (!old) return ApiStatus::not_found(resource.group, resource.resource, name);
  if (options) {
    meta_v1::Preconditions wanted = meta_v1::DeleteOptions(*options).preconditions();
    bool other_uid = wanted.has_uid() && wanted.uid() != metadata(*old).uid();
    bool other_revision = wanted.has_resource_version() &&
                          wanted.resource_version() != metadata(*old).resource_version();
    if (other_uid || other_revision) {
      return ApiStatus::conflict(resource.group, resource.resource, name, "Precondition failed");
    }
  }
  return mark_deleted(resource, old, options, now);
}

void FakeStore::erase(const schema::Resource& resource, const std::string& ns,
                      const std::string& name) {
  ObjectPtr old = get(resource, ns, name);
  if (!old) return;
  Draft draft(*old);
  edit_metadata(draft).clear_deletion_grace_period_seconds();
  bool waits = !metadata(*old).finalizers().empty();
  commit(resource, waits ? client::WatchEvent::Type::kModified : client::WatchEvent::Type::kDeleted,
         std::move(draft), nullptr);
}

}  // namespace tiphys::fake
