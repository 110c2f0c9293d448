// FrontRules: what one service says about one front (an address, protocol and port, or a node
// port): the map elements by which packets for it find their way. Pure values; thread-safe.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace tiphys::proxy {

struct FrontRules {
  bool node_port = false;
  bool cluster_ip = false;             // such a claim is older than any on an external address
  std::string chain;                   // where its packets go; "" nowhere
  std::string refuse;                  // "" or the verdict for what was not translated
  std::string firewall;                // chain that sees its packets first; "": none
  std::vector<std::string> endpoints;  // "10.42.0.7 . 8080", for chains over all of them
  std::vector<std::string> local_endpoints;  // for chains over this node's
  bool operator==(const FrontRules&) const = default;
};

// Calls back with (map, value) for every element that stands under the front's key.
void for_each_element(const FrontRules& front,
                      const std::function<void(std::string map, const std::string& value)>& visit);

// Reorders `now` so that what was in `before` keeps its place: then an endpoint that goes or comes
// changes two elements and not all.
void keep_places(const std::vector<std::string>& before, std::vector<std::string>& now);

}  // namespace tiphys::proxy
