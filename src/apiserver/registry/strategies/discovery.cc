// The strategy of EndpointSlices. Upstream: pkg/registry/discovery/endpointslice/strategy.go.
#include <set>

#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/names.h"
#include "kinds/discovery_v1.h"

namespace tiphys::apiserver {
namespace {

using discovery_v1::EndpointSlice;
using discovery_v1::EndpointSliceEdit;

constexpr std::string_view kHostname = "kubernetes.io/hostname";

// v1 does not write the topology of v1beta1. A node's name that stood there already moves to where
// v1 has it.
void drop_topology(EndpointSliceEdit slice, const std::set<std::string_view>& known_nodes) {
  if (!slice.view().has_endpoints()) return;
  auto endpoints = slice.edit_endpoints();
  for (size_t i = 0; i < endpoints.size(); ++i) {
    std::string node(endpoints[i].view().deprecated_topology().find(kHostname));
    bool moves = !endpoints[i].view().has_node_name() && known_nodes.contains(node) &&
                 check_dns1123_subdomain(node).empty();
    if (moves) endpoints[i].set_node_name(node);
    endpoints[i].clear_deprecated_topology();
  }
}

void prepare_create(const StrategyContext&, Draft& object) {
  drop_topology(EndpointSliceEdit(object), {});
}

void prepare_update(const StrategyContext&, Draft& object, const Object& before) {
  EndpointSlice old(before);
  uint16_t index = old.message_type().index_of(*old.message_type().find("endpoints"));
  if (equal(object.root().field(index), before.root().field(index))) return;
  std::set<std::string_view> nodes;
  for (discovery_v1::Endpoint endpoint : old.endpoints()) {
    std::string_view node = endpoint.deprecated_topology().find(kHostname);
    if (!node.empty()) nodes.insert(node);
  }
  drop_topology(EndpointSliceEdit(object), nodes);
}

}  // namespace

Strategy endpoint_slice_strategy() {
  return {.prepare_for_create = prepare_create, .prepare_for_update = prepare_update};
}

}  // namespace tiphys::apiserver
