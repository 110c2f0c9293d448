// Node zones: how fast nodes may be tainted NoExecute (so that their pods are evicted), by how much
// of their zone is unhealthy. If all nodes of all zones are, it is us who can't see them, and
// nothing is evicted. Pure but for its memory; loop thread only.
// Source: https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
#pragma once
#include <map>
#include <string>

#include "base/time.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

enum class ZoneState : uint8_t { kNormal, kPartialDisruption, kFullDisruption };

struct ZoneLimits {
  double eviction_rate = 0.1;             // --node-eviction-rate: nodes a second
  double secondary_eviction_rate = 0.01;  // --secondary-node-eviction-rate
  int64_t large_cluster_size = 50;        // --large-cluster-size-threshold
  double unhealthy_zone = 0.55;           // --unhealthy-zone-threshold
};

struct ZoneCount {
  int64_t ready = 0;
  int64_t not_ready = 0;
};

// "region:\0:zone" of a node's labels; empty: none.
std::string zone_of(core_v1::Node node);
ZoneState zone_state(ZoneCount count, const ZoneLimits& limits);
// Nodes a second; zero: none at all.
double eviction_rate(ZoneState state, ZoneCount count, const ZoneLimits& limits);

class NodeZones {
 public:
  explicit NodeZones(ZoneLimits limits) : limits_(limits) {}

  enum class Change : uint8_t { kNone, kRates, kLost, kFound };
  // What the zones are like now. kLost: all nodes have become unhealthy; kFound: no longer.
  Change update(const std::map<std::string, ZoneCount>& counts, MonoTime now);
  bool all_lost() const { return all_lost_; }

  // How long until a node of the zone may be tainted: zero: now; nothing: not as things are.
  std::optional<Duration> wait(const std::string& zone, MonoTime now) const;
  // One is going to be.
  void took(const std::string& zone, MonoTime now);
  // It wasn't after all: the next may be at once.
  void give_back(const std::string& zone, MonoTime now);

 private:
  struct Zone {
    ZoneState state = ZoneState::kNormal;
    double rate = 0;
    MonoTime next{};
  };
  void set_rate(Zone& zone, double rate, MonoTime now) const;

  ZoneLimits limits_;
  std::map<std::string, Zone> zones_;
  bool all_lost_ = false;
};

}  // namespace tiphys::controllers
