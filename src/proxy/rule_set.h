// RuleSet: the desired table of one address family, and the difference to what was applied last.
//
// Pure and single-threaded. A change costs what it touches: set() and erase() remember the former
// state of each chain, set and element they touch, take_transaction() turns that into one nft
// transaction. Two services may claim one element (the same external IP and port, or a NodePort on
// a foreign control plane): the first by name has it; the other takes over when it goes.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "proxy/service_rules.h"

namespace tiphys::proxy {

class RuleSet {
 public:
  RuleSet(Settings settings, Family family) : settings_(std::move(settings)), family_(family) {}

  // Replaces the rules of one service; empty rules erase it.
  void set(const std::string& service, ServiceRules rules);
  void erase(const std::string& service) { set(service, {}); }
  const std::map<std::string, ServiceRules>& services() const { return services_; }

  // nft text from the last taken state to the present; "" if nothing changed.
  std::string take_transaction();
  // nft text that makes the whole table anew; afterwards nothing is pending.
  std::string take_full(const NodeFacts& node);
  Family family() const { return family_; }
  const Settings& settings() const { return settings_; }

 private:
  void touch(const ServiceRules& rules);
  void link(const std::string& service, const ServiceRules& rules, bool add);
  std::optional<std::string> element(const ElementKey& key) const;

  Settings settings_;
  Family family_;
  std::map<std::string, ServiceRules> services_;
  // Present state by name, for all services together.
  std::map<std::string, std::vector<std::string>> chains_;
  std::map<std::string, int> sets_;
  std::map<ElementKey, std::map<std::string, std::string>> elements_;  // -> service -> verdict
  // State before the first touch since the last transaction; nothing: it was absent.
  std::map<std::string, std::optional<std::vector<std::string>>> old_chains_;
  std::map<std::string, std::optional<int>> old_sets_;
  std::map<ElementKey, std::optional<std::string>> old_elements_;
};

}  // namespace tiphys::proxy
