#include "apiserver/registry/status_rules.h"

#include "apiserver/registry/kind_rules.h"
#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {
namespace {

void copy_field(Draft& object, const Object& old, uint16_t index) {
  set_field(object.arena(), object.root(), index, object.arena().clone(old.root().field(index)));
}

// True if anything but metadata and status differs.
bool content_changed(const Draft& object, const Object& old) {
  const schema::Message& type = object.type();
  for (uint16_t i = 0; i < type.fields.size(); ++i) {
    if (static_cast<int16_t>(i) == type.metadata_field) continue;
    if (static_cast<int16_t>(i) == type.status_field) continue;
    if (!equal(object.root().field(i), old.root().field(i))) return true;
  }
  return false;
}

bool counts_as_change(const schema::Resource& resource, const Draft& object, const Object& old) {
  if (content_changed(object, old)) return true;
  if (resource.group != "apps" || resource.resource != "deployments") return false;
  return !equal(MetaView(object).value("annotations"), MetaView(old).value("annotations"));
}

}  // namespace

void prepare_new_object(const schema::Resource& resource, Draft& object) {
  const schema::Message& type = object.type();
  if (type.status_field >= 0 && resource.find_subresource("status")) {
    set_field(object.arena(), object.root(), static_cast<uint16_t>(type.status_field), Value());
  }
  if (kind_rules(resource).generation) MetaEdit(object).set_int("generation", 1);
}

void prepare_changed_object(const schema::Resource& resource, std::string_view subresource,
                            Draft& object, const Object& old) {
  const schema::Message& type = object.type();
  MetaEdit edit(object);
  edit.copy("generation", MetaView(old));
  if (subresource == "status" || subresource == "approval") {
    for (uint16_t i = 0; i < type.fields.size(); ++i) {
      bool own = static_cast<int16_t>(i) == type.status_field ||
                 static_cast<int16_t>(i) == type.metadata_field;
      if (!own) copy_field(object, old, i);
    }
    return;
  }
  if (type.status_field >= 0 && subresource.empty() && resource.find_subresource("status")) {
    copy_field(object, old, static_cast<uint16_t>(type.status_field));
  }
  if (kind_rules(resource).generation && counts_as_change(resource, object, old)) {
    edit.set_int("generation", MetaView(old).generation() + 1);
  }
}

}  // namespace tiphys::apiserver
