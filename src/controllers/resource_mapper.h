// Resource mapper: which resources a kind of a group is, at every version: what upstream's
// RESTMapper answers. The tables of this project come first; kinds they don't know (custom
// resources) are looked up in the server's discovery, anew each time.
#pragma once
#include <string>
#include <vector>

#include "client/client.h"

namespace tiphys::controllers {

struct MappedResource {
  std::string group;
  std::string version;
  std::string resource;
  bool namespaced = true;
  bool has_scale = false;  // discovery lists RESOURCE/scale
  // For Client's calls; looks into this struct.
  schema::Resource view() const;
};

// Not empty. Error: `no matches for kind "X" in group "y"`, or what discovery failed with.
Task<Result<std::vector<MappedResource>>> map_kind(client::Client& client, std::string group,
                                                   std::string kind);

}  // namespace tiphys::controllers
