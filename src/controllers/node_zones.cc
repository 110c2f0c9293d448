#include "controllers/node_zones.h"

#include <algorithm>

namespace tiphys::controllers {

namespace {

// Two unhealthy nodes are no disruption, however few there are.
constexpr int64_t kFewUnhealthy = 2;

std::string_view label(core_v1::Node node, std::string_view beta, std::string_view stable) {
  auto labels = node.metadata().labels();
  return labels.contains(beta) ? labels.find(beta) : labels.find(stable);
}

Duration interval(double rate) {
  constexpr double kYear = 365.0 * 24 * 3600;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(1 / rate, kYear)));
}

}  // namespace

std::string zone_of(core_v1::Node node) {
  std::string_view zone =
      label(node, "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone");
  std::string_view region =
      label(node, "failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region");
  if (zone.empty() && region.empty()) return {};
  return std::string(region) + ':' + '\0' + ':' + std::string(zone);
}

ZoneState zone_state(ZoneCount count, const ZoneLimits& limits) {
  if (count.ready == 0 && count.not_ready > 0) return ZoneState::kFullDisruption;
  double share =
      static_cast<double>(count.not_ready) / static_cast<double>(count.ready + count.not_ready);
  bool many = count.not_ready > kFewUnhealthy && share >= limits.unhealthy_zone;
  return many ? ZoneState::kPartialDisruption : ZoneState::kNormal;
}

double eviction_rate(ZoneState state, ZoneCount count, const ZoneLimits& limits) {
  if (state != ZoneState::kPartialDisruption) return limits.eviction_rate;
  bool large = count.ready + count.not_ready > limits.large_cluster_size;
  return large ? limits.secondary_eviction_rate : 0;
}

void NodeZones::set_rate(Zone& zone, double rate, MonoTime now) const {
  if (zone.rate == rate) return;
  zone.rate = rate;
  if (rate > 0) zone.next = now + interval(rate);
}

NodeZones::Change NodeZones::update(const std::map<std::string, ZoneCount>& counts, MonoTime now) {
  std::erase_if(zones_, [&](const auto& entry) { return !counts.contains(entry.first); });
  bool lost = !counts.empty();
  bool changed = false;
  for (const auto& [name, count] : counts) {
    auto [entry, added] = zones_.try_emplace(name);
    Zone& zone = entry->second;
    if (added) zone.rate = limits_.eviction_rate;
    ZoneState state = zone_state(count, limits_);
    double rate = eviction_rate(state, count, limits_);
    lost = lost && state == ZoneState::kFullDisruption;
    changed = changed || state != zone.state || rate != zone.rate;
    zone.state = state;
    set_rate(zone, rate, now);
  }
  if (lost != all_lost_) {
    all_lost_ = lost;
    return lost ? Change::kLost : Change::kFound;
  }
  return changed ? Change::kRates : Change::kNone;
}

std::optional<Duration> NodeZones::wait(const std::string& zone, MonoTime now) const {
  auto found = zones_.find(zone);
  if (all_lost_ || found == zones_.end() || found->second.rate <= 0) return std::nullopt;
  return std::max(found->second.next - now, Duration::zero());
}

void NodeZones::took(const std::string& zone, MonoTime now) {
  auto found = zones_.find(zone);
  if (found == zones_.end() || found->second.rate <= 0) return;
  found->second.next = now + interval(found->second.rate);
}

void NodeZones::give_back(const std::string& zone, MonoTime now) {
  auto found = zones_.find(zone);
  if (found != zones_.end()) found->second.next = std::min(found->second.next, now);
}

}  // namespace tiphys::controllers
