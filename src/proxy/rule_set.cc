#include "proxy/rule_set.h"

#include "proxy/base_rules.h"

namespace tiphys::proxy {
namespace {

template <class Map, class Key>
auto lookup(const Map& map, const Key& key) {
  auto at = map.find(key);
  return at == map.end() ? std::nullopt : std::optional(at->second);
}

// Collects elements per map so that one command carries many.
class ElementCommands {
 public:
  ElementCommands(std::string verb, std::string table)
      : verb_(std::move(verb)), table_(std::move(table)) {}
  void add(const ElementKey& key, const std::string& verdict) {
    std::string& list = lists_[key.first];
    if (!list.empty()) list += ", ";
    list += key.second;
    if (!verdict.empty()) list += " : " + verdict;
  }
  std::string text() const {
    std::string out;
    for (const auto& [map, list] : lists_) {
      out += verb_ + " element " + table_ + " " + map + " { " + list + " }\n";
    }
    return out;
  }

 private:
  std::string verb_;
  std::string table_;
  std::map<std::string, std::string> lists_;
};

std::string set_line(const std::string& table, Family family, const std::string& name,
                     int seconds) {
  return "add set " + table + " " + name + " { type " +
         (family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr") +
         "; flags dynamic,timeout; timeout " + std::to_string(seconds) + "s; }\n";
}

void add_rules(std::string& out, const std::string& table, const std::string& chain,
               const std::vector<std::string>& rules) {
  for (const std::string& rule : rules) {
    out.append("add rule ").append(table).append(" ").append(chain).append(" ");
    out.append(rule).append("\n");
  }
}

}  // namespace

std::optional<std::string> RuleSet::element(const ElementKey& key) const {
  auto at = elements_.find(key);
  if (at == elements_.end() || at->second.empty()) return std::nullopt;
  return at->second.begin()->second;
}

void RuleSet::touch(const ServiceRules& rules) {
  for (const auto& [name, unused] : rules.chains) {
    old_chains_.try_emplace(name, lookup(chains_, name));
  }
  for (const auto& [name, unused] : rules.affinity_sets) {
    old_sets_.try_emplace(name, lookup(sets_, name));
  }
  for (const auto& [key, unused] : rules.elements) old_elements_.try_emplace(key, element(key));
}

void RuleSet::link(const std::string& service, const ServiceRules& rules, bool add) {
  for (const auto& [name, body] : rules.chains) {
    if (add)
      chains_[name] = body;
    else
      chains_.erase(name);
  }
  for (const auto& [name, seconds] : rules.affinity_sets) {
    if (add)
      sets_[name] = seconds;
    else
      sets_.erase(name);
  }
  for (const auto& [key, verdict] : rules.elements) {
    if (add) {
      elements_[key][service] = verdict;
      continue;
    }
    auto at = elements_.find(key);
    at->second.erase(service);
    if (at->second.empty()) elements_.erase(at);
  }
}

void RuleSet::set(const std::string& service, ServiceRules rules) {
  auto at = services_.find(service);
  if (at == services_.end() && rules.empty()) return;
  if (at != services_.end()) {
    if (at->second == rules) return;
    touch(at->second);
    touch(rules);
    link(service, at->second, false);
    services_.erase(at);
  } else {
    touch(rules);
  }
  if (rules.empty()) return;
  link(service, rules, true);
  services_.emplace(service, std::move(rules));
}

// What goes, goes first: flushed chains let go of their targets, so that chains and sets can be
// deleted and made anew under the same name within one transaction.
std::string RuleSet::take_transaction() {
  std::string table = table_ref(settings_, family_);
  std::string flush, drop, make, fill;
  ElementCommands remove("delete", table), insert("add", table);
  for (const auto& [name, before] : old_chains_) {
    std::optional<std::vector<std::string>> now = lookup(chains_, name);
    if (now == before) continue;
    if (before) flush += "flush chain " + table + " " + name + "\n";
    if (before && !now) drop += "delete chain " + table + " " + name + "\n";
    if (!before && now) make += "add chain " + table + " " + name + "\n";
    if (now) add_rules(fill, table, name, *now);
  }
  for (const auto& [name, before] : old_sets_) {
    std::optional<int> now = lookup(sets_, name);
    if (now == before) continue;
    if (before) drop += "delete set " + table + " " + name + "\n";
    if (now) make += set_line(table, family_, name, *now);
  }
  for (const auto& [key, before] : old_elements_) {
    std::optional<std::string> now = element(key);
    if (now == before) continue;
    if (before) remove.add(key, "");
    if (now) insert.add(key, *now);
  }
  old_chains_.clear();
  old_sets_.clear();
  old_elements_.clear();
  return flush + remove.text() + drop + make + fill + insert.text();
}

std::string RuleSet::take_full(const NodeFacts& node) {
  std::string table = table_ref(settings_, family_);
  std::string text =
      "add table " + table + "\ndelete table " + table + "\nadd table " + table + "\n";
  for (const std::string& line : base_rules(settings_, node, family_)) text += line + "\n";
  for (const auto& [name, seconds] : sets_) text += set_line(table, family_, name, seconds);
  for (const auto& [name, unused] : chains_) text += "add chain " + table + " " + name + "\n";
  for (const auto& [name, rules] : chains_) add_rules(text, table, name, rules);
  ElementCommands insert("add", table);
  for (const auto& [key, unused] : elements_) insert.add(key, *element(key));
  old_chains_.clear();
  old_sets_.clear();
  old_elements_.clear();
  return text + insert.text();
}

}  // namespace tiphys::proxy
