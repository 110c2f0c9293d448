// IptablesSet: the desired iptables rules of one address family, and their difference to what was
// applied last, as input of `iptables-restore --noflush`.
//
// Pure and single-threaded. A change costs what it touches: chains of services that changed are
// written, single rules of the shared chains go and come by themselves; a shared chain that many go
// from is filled anew. Two services may claim one address and port: one whose ClusterIP it is, else
// the first by name, has it; the other takes over when it goes.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "proxy/iptables_rules.h"

namespace tiphys::proxy {

// So many rules go from a chain one by one. iptables-nft compares each with every rule of the
// chain, 3 to 6 ms where there are 10,000; this is where filling the chain anew begins to be as
// quick.
inline constexpr size_t kMaxSingleDeletions = 100;

class IptablesSet {
 public:
  // Replaces the rules of one service; empty rules erase it.
  void set(const std::string& service, IptablesRules rules);
  bool empty() const { return services_.empty(); }
  // How many rules there are in a table.
  size_t rules(std::string_view table) const { return table == "nat" ? nat_rules_ : filter_rules_; }

  // From the last taken state to the present; "" if nothing changed. Settings and all: those that
  // everything was made with.
  std::string take_transaction(const Settings& settings, const NodeFacts& node, Family family);
  // Everything there is, by table; afterwards nothing is pending.
  struct Whole {
    std::map<std::string, std::vector<std::string>> chains;   // of table nat: name -> rules
    std::map<std::string, std::vector<std::string>> entries;  // "nat KUBE-SERVICES" -> rules
  };
  Whole take_whole();

 private:
  void touch(const IptablesRules& rules);
  void link(const std::string& service, const IptablesRules& rules, bool add);
  size_t& count_of(const EntryKey& key);
  std::optional<std::string> entry(const EntryKey& key) const;
  using Rules = std::vector<std::string>;
  std::string changed_entries(std::string_view table, const Rules& fixed) const;
  std::string changed_nat(const Rules& fixed) const;
  std::string filled(const std::string& where, std::string_view chain, const Rules& fixed) const;

  std::map<std::string, IptablesRules> services_;
  std::map<std::string, std::vector<std::string>> chains_;
  using Claim = std::pair<bool, std::string>;  // external, service: the least one has it
  std::map<EntryKey, std::map<Claim, std::string>> entries_;  // -> rule
  size_t nat_rules_ = 0;
  size_t filter_rules_ = 0;
  // State before the first touch since the last take; nothing: it was absent.
  std::map<std::string, std::optional<std::vector<std::string>>> old_chains_;
  std::map<EntryKey, std::optional<std::string>> old_entries_;
};

// Input for iptables-restore that makes everything anew, given what `iptables-save -t nat` and
// `-t filter` say: flushes and fills our chains, removes chains of services that are gone, adds the
// jumps that are missing.
std::string iptables_full_restore(const IptablesSet::Whole& whole, const Settings& settings,
                                  const NodeFacts& node, Family family, std::string_view saved_nat,
                                  std::string_view saved_filter);
// How many rules such input adds to a table.
size_t iptables_written(std::string_view restore, std::string_view table);
// Input that removes everything of ours from a table; "" if there is nothing.
std::string iptables_removal(std::string_view table, std::string_view saved);

}  // namespace tiphys::proxy
