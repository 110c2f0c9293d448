// KindRules: small differences between kinds as rows of data. Static.
#pragma once
#include <cstdint>
#include <string_view>

#include "apiserver/validation/names.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

using NameCheck = Messages (*)(std::string_view text, bool prefix);

// What becomes of an object's dependents if neither the request nor a finalizer says it.
enum class Dependents : uint8_t {
  kDelete,
  kOrphan,
  kUnsupported,  // the kind has none: its objects never wait for them
};

struct KindRules {
  std::string_view group;
  std::string_view resource;
  bool generation = false;         // metadata.generation is kept: 1 at creation, +1 with the spec
  bool returns_deleted = false;    // DELETE answers with the object instead of a Status
  NameCheck name_check = nullptr;  // null: DNS subdomain
  bool versioned = false;          // PUT must carry a resourceVersion
  bool put_creates = false;        // PUT to a name that isn't there creates it
  bool plain_finalizers = false;   // finalizers need no domain
  bool names_itself = false;       // an object without name and generateName is named by a UUID
  Dependents dependents = Dependents::kDelete;
  std::string_view deprecated = {};  // the Warning of every request to it
};

// Never null; kinds without a row have the defaults.
const KindRules& kind_rules(const schema::Resource& resource);
Messages check_object_name(const KindRules& rules, std::string_view name, bool prefix);

}  // namespace tiphys::apiserver
