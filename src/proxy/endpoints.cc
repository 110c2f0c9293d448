#include "proxy/endpoints.h"

#include <algorithm>
#include <map>
#include <set>

namespace tiphys::proxy {
namespace {

struct Candidate {
  const EndpointFacts* facts;
  Target target;
};

std::vector<Candidate> candidates_of(const ServicePort& port, std::span<const SliceFacts> slices,
                                     Family family) {
  std::map<Target, const EndpointFacts*> unique;
  for (const SliceFacts& slice : slices) {
    for (const SlicePort& slice_port : slice.ports) {
      if (slice_port.name != port.name || slice_port.protocol != port.protocol) continue;
      for (const EndpointFacts& endpoint : slice.endpoints) {
        if (endpoint.address.family() != family) continue;
        if (endpoint.address.is_forbidden_endpoint()) continue;
        // The same endpoint may stand in two slices while they are rewritten: the ready one counts.
        auto [at, added] = unique.try_emplace({endpoint.address, slice_port.port}, &endpoint);
        if (!added && endpoint.ready && !at->second->ready) at->second = &endpoint;
      }
    }
  }
  std::vector<Candidate> list;
  for (const auto& [target, facts] : unique) list.push_back({facts, target});
  return list;
}

template <class Predicate>
std::vector<Candidate> filter(const std::vector<Candidate>& list, Predicate keep) {
  std::vector<Candidate> kept;
  std::copy_if(list.begin(), list.end(), std::back_inserter(kept),
               [&](const Candidate& c) { return keep(*c.facts); });
  return kept;
}

// Ready ones, else those that still serve while terminating.
std::vector<Candidate> usable(const std::vector<Candidate>& list) {
  std::vector<Candidate> ready = filter(list, [](const EndpointFacts& e) { return e.ready; });
  if (!ready.empty()) return ready;
  return filter(list, [](const EndpointFacts& e) { return e.serving && e.terminating; });
}

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Hints count only if every usable endpoint has some and one of them names us.
std::vector<Candidate> by_hints(const std::vector<Candidate>& list, const std::string& ours,
                                std::vector<std::string> EndpointFacts::* hints) {
  if (ours.empty()) return {};
  bool all = std::all_of(list.begin(), list.end(),
                         [&](const Candidate& c) { return !(c.facts->*hints).empty(); });
  if (!all) return {};
  return filter(list, [&](const EndpointFacts& e) { return contains(e.*hints, ours); });
}

// Whoever is on the way out isn't chosen by where it is: it is better than nothing.
std::vector<Candidate> by_topology(std::vector<Candidate> list, const NodeFacts& node) {
  if (list.empty() || !list[0].facts->ready) return list;
  std::vector<Candidate> near = by_hints(list, node.name, &EndpointFacts::node_hints);
  if (near.empty()) near = by_hints(list, node.zone, &EndpointFacts::zone_hints);
  return near.empty() ? list : near;
}

std::vector<Target> targets_of(const std::vector<Candidate>& list) {
  std::vector<Target> targets;
  for (const Candidate& c : list) targets.push_back(c.target);
  return targets;
}

std::vector<Address> sorted(std::vector<Address> list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace

Targets select_targets(const ServicePort& port, std::span<const SliceFacts> slices,
                       const NodeFacts& node, Family family) {
  std::vector<Candidate> all = candidates_of(port, slices, family);
  auto is_here = [&](const EndpointFacts& e) { return e.node_name == node.name; };
  std::vector<Candidate> cluster = by_topology(usable(all), node);
  std::vector<Candidate> local = usable(filter(all, is_here));
  Targets targets{targets_of(cluster), targets_of(local), {}};
  for (const std::vector<Candidate>* list : {&cluster, &local}) {
    for (const Candidate& c : *list) {
      if (c.facts->node_name.empty() || is_here(*c.facts)) targets.near.push_back(c.target.address);
    }
  }
  targets.near = sorted(std::move(targets.near));
  return targets;
}

std::vector<Address> refused_endpoints(std::span<const SliceFacts> slices) {
  std::vector<Address> refused;
  for (const SliceFacts& slice : slices) {
    for (const EndpointFacts& endpoint : slice.endpoints) {
      if (endpoint.address.is_forbidden_endpoint()) refused.push_back(endpoint.address);
    }
  }
  return sorted(std::move(refused));
}

int local_ready_endpoints(std::span<const SliceFacts> slices, const NodeFacts& node,
                          Family family) {
  std::set<Address> ready;
  for (const SliceFacts& slice : slices) {
    for (const EndpointFacts& endpoint : slice.endpoints) {
      if (endpoint.address.family() != family || endpoint.address.is_forbidden_endpoint()) continue;
      if (endpoint.ready && endpoint.node_name == node.name) ready.insert(endpoint.address);
    }
  }
  return static_cast<int>(ready.size());
}

}  // namespace tiphys::proxy
