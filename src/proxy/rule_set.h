// RuleSet: the desired table of one address family, and the difference to what was applied last.
//
// Pure and single-threaded. A change costs what it touches: set() and erase() remember the former
// state of each chain, set and front they touch, take_changes() turns that into one transaction.
// Shared chains and their maps are made when the first service uses them. When none does any more
// they wait for the next one, so that a service that scales to and fro costs some elements only,
// which can do without nft(8); more than kMaxIdleChains go with the next transaction that makes
// chains anyway. A whole table has those of up to kReadyEndpoints endpoints from the start, so that
// the first services of a size needn't wait for that process either.
// Two services may claim one front (the same external IP and port, or a NodePort on a foreign
// control plane): one whose ClusterIP it is has it, else the first by name; the other takes over
// when it goes.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>

#include "proxy/changes.h"
#include "proxy/service_rules.h"

namespace tiphys::proxy {

inline constexpr size_t kMaxIdleChains = 64;
inline constexpr uint32_t kReadyEndpoints = 8;

class RuleSet {
 public:
  RuleSet(Settings settings, Family family) : settings_(std::move(settings)), family_(family) {}

  // Replaces the rules of one service; empty rules erase it. Endpoints keep their places, so that
  // services() may hold them in another order than they came.
  void set(const std::string& service, ServiceRules rules);
  void erase(const std::string& service) { set(service, {}); }
  const std::map<std::string, ServiceRules>& services() const { return services_; }

  // From the last taken state to the present.
  Changes take_changes();
  // The same as nft text; "" if nothing changed.
  std::string take_transaction();
  // What makes the whole table anew, whatever was there; afterwards nothing is pending.
  Changes take_full(const NodeFacts& node);
  // What makes the table as of the last transaction out of nothing, but for the elements.
  Changes frame(const NodeFacts& node) const;
  Family family() const { return family_; }
  const Settings& settings() const { return settings_; }

 private:
  using Rules = std::vector<std::string>;
  struct Claim {
    bool external = false;
    std::string service;
    auto operator<=>(const Claim&) const = default;
  };

  void touch(const ServiceRules& rules);
  void link(const std::string& service, const ServiceRules& rules);
  void unlink(const std::string& service, const ServiceRules& rules);
  void use(const SharedChain& chain);
  void release(const SharedChain& chain);
  void make_ready(const SharedChain& chain);
  const FrontRules* front(const std::string& key) const;
  void chain_changes(Changes& out) const;
  void shared_changes(Changes& out);
  void sweep_idle(Changes& out);
  void set_changes(Changes& out) const;
  void element_changes(Changes& out) const;
  void forget_changes();

  Settings settings_;
  Family family_;
  std::map<std::string, ServiceRules> services_;
  // Present state by name, for all services together.
  std::map<std::string, Rules> chains_;
  std::map<std::string, int> sets_;
  std::map<SharedChain, int> shared_;  // -> users; none has zero
  std::map<Member, int> members_;      // -> users
  std::map<std::string, std::set<Claim>> claims_;
  std::set<SharedChain> made_;   // shared ones as of the last transaction
  std::set<SharedChain> fresh_;  // used, not yet made
  std::set<SharedChain> idle_;   // made, no longer used, and not kept ready
  // State before the first touch since the last transaction; nothing: it was absent.
  std::map<std::string, std::optional<Rules>> old_chains_;
  std::map<std::string, std::optional<int>> old_sets_;
  std::map<Member, bool> old_members_;
  std::map<std::string, std::optional<FrontRules>> old_fronts_;
};

}  // namespace tiphys::proxy
