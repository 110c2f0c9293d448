// Claims: which services want the same address and port. The API server gives a ClusterIP and a
// node port once only, but external addresses are anyone's to write, and a foreign control plane
// may err. The one whose ClusterIP it is has it, else the first service by name (as in RuleSet;
// IptablesSet goes by name alone). Pure; one thread.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "proxy/model.h"

namespace tiphys::proxy {

class Claims {
 public:
  struct Conflict {
    std::string what;  // "node port 30080/tcp"
    std::string owner;
    std::string loser;
    auto operator<=>(const Conflict&) const = default;
  };
  // Replaces what a service claims; null: nothing.
  void set(const std::string& service, const ServiceFacts* facts);
  // Conflicts that were not there at the last call.
  std::vector<Conflict> take_new();

 private:
  std::map<std::string, std::map<std::string, bool>> by_service_;           // -> claim -> external
  std::map<std::string, std::set<std::pair<bool, std::string>>> by_claim_;  // -> services
  std::set<std::string> touched_;
  std::set<Conflict> known_;
};

}  // namespace tiphys::proxy
