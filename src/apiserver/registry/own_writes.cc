#include "apiserver/registry/own_writes.h"

#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {
namespace {

UserInfo loopback_user() {
  UserInfo user;
  user.name = "system:apiserver";
  user.groups = {std::string(kSystemMasters), std::string(kAllAuthenticated)};
  return user;
}

WriteScope own_scope(const schema::Resource& resource, std::string ns, const Draft& object,
                     const UserInfo& user) {
  WriteScope scope;
  scope.resource = &resource;
  scope.ns = std::move(ns);
  scope.name = MetaView(object).name();
  scope.user = &user;
  scope.skip_admission = true;
  scope.skip_rules = true;
  return scope;
}

Task<Result<Draft>> give(std::shared_ptr<const Object> wanted, ObjectPtr current) {
  Draft draft(*wanted);
  if (current) MetaEdit(draft).copy("managedFields", MetaView(*current));
  co_return draft;
}

Task<Result<Draft>> give_tracked(ObjectPtr wanted, std::string subresource, ObjectPtr current,
                                 MicroTime now) {
  Draft draft(*wanted);
  const GroupVersionKind& gvk = *wanted->gvk();
  const schema::Resource& resource =
      *schema::find_resource_of_kind(gvk.group, gvk.version, gvk.kind);
  track_update(resource, subresource, current.get(), draft, "kube-apiserver", now);
  co_return draft;
}

}  // namespace

Task<Result<ObjectPtr>> OwnWrites::ensure(const schema::Resource& resource, std::string ns,
                                          Draft object) {
  std::string name(MetaView(object).name());
  Result<ObjectPtr> there = registry_.get(resource, ns, name);
  if (there || !there.error().is_not_found()) co_return there;
  UserInfo user = loopback_user();
  apply_defaults(resource, object);
  track_update(resource, "", nullptr, object, "kube-apiserver", loop_.wall());
  WriteScope scope = own_scope(resource, ns, object, user);
  Result<Written> written = co_await registry_.create(std::move(scope), std::move(object));
  if (written) co_return std::move(written->object);
  if (written.error().is_already_exists()) co_return registry_.get(resource, ns, name);
  co_return written.error();
}

Task<Result<ObjectPtr>> OwnWrites::put(const schema::Resource& resource, std::string ns,
                                       Draft object) {
  UserInfo user = loopback_user();
  std::string name(MetaView(object).name());
  Result<ObjectPtr> made = co_await ensure(resource, ns, object.clone());
  if (!made) co_return made.error();
  apply_defaults(resource, object);
  WriteScope scope = own_scope(resource, ns, object, user);
  ObjectPtr wanted = object.freeze();
  Result<Written> written = co_await registry_.update(
      std::move(scope), Preconditions{},
      [wanted](ObjectPtr current) { return give(wanted, std::move(current)); });
  if (!written) co_return written.error();
  co_return std::move(written->object);
}

Task<Result<ObjectPtr>> OwnWrites::update(Draft object) { return overwrite(std::move(object), ""); }

Task<Result<ObjectPtr>> OwnWrites::put_status(Draft object) {
  return overwrite(std::move(object), "status");
}

Task<Result<ObjectPtr>> OwnWrites::overwrite(Draft object, std::string subresource) {
  const GroupVersionKind& gvk = *object.gvk();
  const schema::Resource& resource =
      *schema::find_resource_of_kind(gvk.group, gvk.version, gvk.kind);
  UserInfo user = loopback_user();
  WriteScope scope = own_scope(resource, std::string(MetaView(object).ns()), object, user);
  scope.subresource = subresource;
  Preconditions preconditions;
  preconditions.uid = MetaView(object).uid();
  ObjectPtr wanted = object.freeze();
  MicroTime now = loop_.wall();
  Result<Written> written = co_await registry_.update(
      std::move(scope), std::move(preconditions), [wanted, subresource, now](ObjectPtr current) {
        return give_tracked(wanted, subresource, std::move(current), now);
      });
  if (!written) co_return written.error();
  co_return std::move(written->object);
}

Task<Result<void>> OwnWrites::remove(const schema::Resource& resource, ObjectPtr object) {
  UserInfo user = loopback_user();
  WriteScope scope = own_scope(resource, std::string(MetaView(*object).ns()), Draft(*object), user);
  DeleteRequest request;
  request.preconditions.uid = MetaView(*object).uid();
  Result<Written> removed = co_await registry_.remove(std::move(scope), request);
  if (!removed && !removed.error().is_not_found()) co_return removed.error();
  co_return Result<void>();
}

}  // namespace tiphys::apiserver
