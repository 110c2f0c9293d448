#include "proxy/iptables_set.h"

#include <set>

#include "base/strings.h"
#include "proxy/iptables_base.h"

namespace tiphys::proxy {
namespace {

template <class Map, class Key>
auto value_in(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

std::string chain_line(std::string_view name) { return ":" + std::string(name) + " - [0:0]\n"; }

// option: "-A", "-I" or "-D".
void add_line(std::string& text, std::string_view option, std::string_view chain,
              std::string_view rule) {
  text.append(option).append(" ").append(chain).append(" ").append(rule).append("\n");
}

// "nat KUBE-SERVICES" -> "KUBE-SERVICES", if it is of this table.
std::string_view chain_of(const std::string& where, std::string_view table) {
  std::string_view rest = where;
  if (!rest.starts_with(table) || rest.size() <= table.size() || rest[table.size()] != ' ')
    return "";
  return rest.substr(table.size() + 1);
}

std::string table_text(std::string_view table, const std::string& lines) {
  return lines.empty() ? "" : "*" + std::string(table) + "\n" + lines + "COMMIT\n";
}

// What iptables-save tells of a table.
struct Saved {
  explicit Saved(std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
      if (line.starts_with(":")) chains.emplace(line.substr(1, line.find(' ') - 1));
      if (line.starts_with("-A ")) rules.emplace(line.substr(3));
    }
  }
  std::set<std::string> chains;
  std::set<std::string> rules;  // after "-A "
};

}  // namespace

void IptablesSet::touch(const IptablesRules& rules) {
  for (const auto& [name, body] : rules.chains) old_chains_.emplace(name, value_in(chains_, name));
  for (const auto& [key, wanted] : rules.entries) old_entries_.emplace(key, entry(key));
}

std::optional<std::string> IptablesSet::entry(const EntryKey& key) const {
  auto found = entries_.find(key);
  if (found == entries_.end() || found->second.empty()) return std::nullopt;
  return found->second.begin()->second;
}

void IptablesSet::link(const std::string& service, const IptablesRules& rules, bool add) {
  for (const auto& [name, body] : rules.chains) {
    std::vector<std::string>& present = chains_[name];
    nat_rules_ -= present.size();
    if (add) {
      present = body;
      nat_rules_ += body.size();
    } else {
      chains_.erase(name);
    }
  }
  for (const auto& [key, wanted] : rules.entries) {
    std::map<Claim, std::string>& claims = entries_[key];
    bool stood = !claims.empty();
    if (add) {
      claims[{wanted.external, service}] = wanted.rule;
    } else {
      claims.erase({wanted.external, service});
    }
    if (!claims.empty() && !stood) ++count_of(key);
    if (claims.empty() && stood) --count_of(key);
    if (claims.empty()) entries_.erase(key);
  }
}

size_t& IptablesSet::count_of(const EntryKey& key) {
  return chain_of(key.first, "nat").empty() ? filter_rules_ : nat_rules_;
}

void IptablesSet::set(const std::string& service, IptablesRules rules) {
  auto found = services_.find(service);
  if (found == services_.end() ? rules.empty() : found->second == rules) return;
  if (found != services_.end()) {
    touch(found->second);
    touch(rules);
    link(service, found->second, false);
    services_.erase(found);
  }
  touch(rules);
  if (rules.empty()) return;
  link(service, rules, true);
  services_.emplace(service, std::move(rules));
}

// A shared chain from its head to its end.
std::string IptablesSet::filled(const std::string& where, std::string_view chain,
                                const Rules& fixed) const {
  std::string text = chain_line(chain);
  for (auto at = entries_.lower_bound({where, ""}); at != entries_.end(); ++at) {
    if (at->first.first != where) break;
    add_line(text, "-A", chain, at->second.begin()->second);
  }
  for (const std::string& rule : fixed) {
    if (rule.starts_with("-A " + std::string(chain) + " ")) text += rule + "\n";
  }
  return text;
}

std::string IptablesSet::changed_entries(std::string_view table, const Rules& fixed) const {
  struct Change {
    std::string gone, come;
    size_t deletions = 0;
  };
  std::map<std::string, Change> chains;
  for (const auto& [key, before] : old_entries_) {
    std::string_view chain = chain_of(key.first, table);
    std::optional<std::string> now = entry(key);
    if (chain.empty() || before == now) continue;
    Change& change = chains[key.first];
    if (before) {
      add_line(change.gone, "-D", chain, *before);
      ++change.deletions;
    }
    // At the head: what must be last in a chain stays last.
    if (now) add_line(change.come, "-I", chain, *now);
  }
  std::string text;
  for (const auto& [where, change] : chains) {
    text += change.deletions <= kMaxSingleDeletions ? change.gone + change.come
                                                    : filled(where, chain_of(where, table), fixed);
  }
  return text;
}

std::string IptablesSet::changed_nat(const Rules& fixed) const {
  std::string heads, bodies, gone;
  for (const auto& [name, before] : old_chains_) {
    std::optional<std::vector<std::string>> now = value_in(chains_, name);
    if (before == now) continue;
    heads += chain_line(name);
    if (!now) {
      gone.append("-X ").append(name).append("\n");
      continue;
    }
    for (const std::string& rule : *now) add_line(bodies, "-A", name, rule);
  }
  return heads + bodies + changed_entries("nat", fixed) + gone;
}

std::string IptablesSet::take_transaction(const Settings& settings, const NodeFacts& node,
                                          Family family) {
  Rules filter = iptables_fixed_rules("filter", settings, node, family);
  Rules nat = iptables_fixed_rules("nat", settings, node, family);
  std::string text =
      table_text("filter", changed_entries("filter", filter)) + table_text("nat", changed_nat(nat));
  old_chains_.clear();
  old_entries_.clear();
  return text;
}

IptablesSet::Whole IptablesSet::take_whole() {
  old_chains_.clear();
  old_entries_.clear();
  Whole whole{.chains = chains_, .entries = {}};
  for (const auto& [key, claims] : entries_) {
    whole.entries[key.first].push_back(claims.begin()->second);
  }
  return whole;
}

namespace {

std::string whole_table(std::string_view table, const IptablesSet::Whole& whole,
                        const Settings& settings, const NodeFacts& node, Family family,
                        const Saved& saved) {
  std::string heads = chain_line(kCanaryChain), bodies = canary_rule(settings) + "\n", gone;
  for (std::string_view chain : iptables_shared_chains(table)) heads += chain_line(chain);
  for (const auto& [where, rules] : whole.entries) {
    std::string_view chain = chain_of(where, table);
    if (chain.empty()) continue;
    for (const std::string& rule : rules) add_line(bodies, "-A", chain, rule);
  }
  for (const std::string& rule : iptables_fixed_rules(table, settings, node, family)) {
    bodies += rule + "\n";
  }
  if (table == "nat") {
    for (const auto& [chain, rules] : whole.chains) {
      heads += chain_line(chain);
      for (const std::string& rule : rules) add_line(bodies, "-A", chain, rule);
    }
    for (const std::string& chain : saved.chains) {
      if (!is_service_chain(chain) || whole.chains.contains(chain)) continue;
      heads += chain_line(chain);
      gone += "-X " + chain + "\n";
    }
  }
  for (const Jump& jump : iptables_jumps()) {
    if (jump.table != table || saved.rules.contains(std::string(jump.rule))) continue;
    bodies.append("-I ").append(jump.rule).append("\n");
  }
  return heads + bodies + gone;
}

}  // namespace

std::string iptables_full_restore(const IptablesSet::Whole& whole, const Settings& settings,
                                  const NodeFacts& node, Family family, std::string_view saved_nat,
                                  std::string_view saved_filter) {
  Saved nat(saved_nat), filter(saved_filter);
  return table_text("mangle", chain_line(kCanaryChain) + canary_rule(settings) + "\n") +
         table_text("filter", whole_table("filter", whole, settings, node, family, filter)) +
         table_text("nat", whole_table("nat", whole, settings, node, family, nat));
}

size_t iptables_written(std::string_view restore, std::string_view table) {
  size_t written = 0;
  std::string_view at;
  for (std::string_view line : split(restore, '\n')) {
    if (line.starts_with("*")) at = line.substr(1);
    if (at == table && (line.starts_with("-A ") || line.starts_with("-I "))) ++written;
  }
  return written;
}

std::string iptables_removal(std::string_view table, std::string_view saved_text) {
  Saved saved(saved_text);
  std::string unlink, heads, gone;
  for (const Jump& jump : iptables_jumps()) {
    if (jump.table != table || !saved.rules.contains(std::string(jump.rule))) continue;
    unlink.append("-D ").append(jump.rule).append("\n");
  }
  auto shared = iptables_shared_chains(table);
  for (const std::string& chain : saved.chains) {
    bool ours = chain == kCanaryChain || (table == "nat" && is_service_chain(chain)) ||
                (table != "mangle" && std::ranges::find(shared, chain) != shared.end());
    if (!ours) continue;
    heads += chain_line(chain);
    gone += "-X " + chain + "\n";
  }
  return table_text(table, heads + unlink + gone);
}

}  // namespace tiphys::proxy
