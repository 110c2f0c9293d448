// HealthPorts: which Services want a health check port (externalTrafficPolicy: Local), and whether
// it is open; what can't be opened is told of and tried again. Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "proxy/model.h"
#include "proxy/service_health.h"

namespace tiphys::proxy {

// Pure. Which of these addresses node ports are on: those within the ranges, and all of a family
// that has no ranges.
std::vector<std::string> node_port_addresses(const std::set<std::string>& own,
                                             const std::vector<Cidr>& ranges);

class HealthPorts {
 public:
  using TellClosed =
      std::function<void(const std::string& service, uint16_t port, const ApiStatus& why)>;
  // healthy: is the proxy itself well?
  HealthPorts(EpollLoop& loop, std::function<bool()> healthy, TellClosed tell_closed)
      : servers_(loop, std::move(healthy)), tell_closed_(std::move(tell_closed)) {}
  // Ports are open where node ports are.
  void listen_where(const Settings& settings);
  // What a Service wants (facts null: nothing); it happens at the next serve().
  void want(const std::string& service, const ServiceFacts* facts,
            const std::vector<SliceFacts>& parts, const NodeFacts& node);
  // Opens and closes for these Services.
  void serve(const std::set<std::string>& services);
  // Those that are wanted and not open.
  void try_again();
  Task<void> stop() { return servers_.stop(); }

 private:
  struct Wanted {
    uint16_t port = 0;  // 0: no longer
    int endpoints = 0;
    bool open = false;
  };
  void serve_one(const std::string& service);

  ServiceHealth servers_;
  TellClosed tell_closed_;
  std::map<std::string, Wanted> wanted_;
};

}  // namespace tiphys::proxy
