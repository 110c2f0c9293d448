// Clients: who gets answers: pods of the cluster, its nodes, and this machine itself. A name server
// that answered everybody would be one that others attack third parties with.
//
// Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "kinds/ip_address.h"

namespace tiphys::dns {

class Clients {
 public:
  // `own`: the machine's addresses, asked for again at most every kOwnPeriod.
  Clients(Clock& clock, std::vector<IpPrefix> ranges, std::function<std::vector<IpAddress>()> own)
      : clock_(clock), ranges_(std::move(ranges)), read_own_(std::move(own)) {}

  // Replaces what is known of a node; none: it is gone.
  void set_node(const std::string& name, std::vector<IpAddress> addresses);
  bool allowed(const IpAddress& client);

  static constexpr Duration kOwnPeriod = std::chrono::seconds(5);

 private:
  Clock& clock_;
  std::vector<IpPrefix> ranges_;
  std::function<std::vector<IpAddress>()> read_own_;
  std::map<std::string, std::vector<IpAddress>> nodes_;
  std::vector<IpAddress> own_;
  std::optional<MonoTime> own_read_;
};

}  // namespace tiphys::dns
