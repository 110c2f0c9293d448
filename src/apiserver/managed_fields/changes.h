// Changes: what a write changes in an object, as the managers of each of the kind's versions see
// it, and what becomes of their fields. Pure. Upstream: structured-merge-diff's merge.Updater.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/managed_fields/comparison.h"
#include "apiserver/managed_fields/managers.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// The resource whose objects are these in the version that a manager's entry names; null: there is
// none (any more).
const schema::Resource* resource_in_version(const schema::Resource& resource,
                                            std::string_view api_version);
// An object of `from` as `to` serves it; both resources are of one stored kind.
ObjectPtr convert_object(const schema::Resource& from, const schema::Resource& to, Draft object);

class Changes {
 public:
  // Objects in the version of `resource`; before null: creation. Everything must outlive this.
  Changes(const schema::Resource& resource, std::string_view subresource, const Object* before,
          const Draft& after);

  // In the request's version, all of it.
  const Comparison& own() const { return own_; }
  // What entries of other managers lose: without what the endpoint never sets. Null: no such
  // version.
  const Comparison* in_version(std::string_view api_version);

  // Drops entries of versions that are gone; takes from the others what the write set or removed;
  // drops those left with nothing. Returns what was set and owned: the conflicts.
  Managers take_from(Managers& managers);

 private:
  void add_version(const std::string& api_version, const schema::Resource& resource);

  const schema::Resource& resource_;
  std::string_view subresource_;
  const Object* before_;
  const Draft& after_;
  Comparison own_;
  std::map<std::string, std::optional<Comparison>, std::less<>> versions_;
};

}  // namespace tiphys::apiserver
