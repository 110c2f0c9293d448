#include "proxy/rule_set.h"

#include "proxy/base_rules.h"

namespace tiphys::proxy {
namespace {

using Elements = std::map<std::string, std::string>;  // map -> value

template <class Map, class Key>
auto lookup(const Map& map, const Key& key) {
  auto at = map.find(key);
  return at == map.end() ? std::nullopt : std::optional(at->second);
}

template <class Map, class Key>
void drop_user(Map& users, const Key& key) {
  auto at = users.find(key);
  if (--at->second == 0) users.erase(at);
}

Elements elements_of(const FrontRules* front) {
  Elements elements;
  if (front == nullptr) return elements;
  for_each_element(*front, [&](std::string map, const std::string& value) {
    elements.emplace(std::move(map), value);
  });
  return elements;
}

std::string set_line(const std::string& table, Family family, const std::string& name,
                     int seconds) {
  return "add set " + table + " " + name + " { type " +
         (family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr") +
         "; flags dynamic,timeout; timeout " + std::to_string(seconds) + "s; }\n";
}

std::string chain_line(const std::string& table, const std::string& name) {
  return "add chain " + table + " " + name + "\n";
}

void add_rules(std::string& out, const std::string& table, const std::string& chain,
               const std::vector<std::string>& rules) {
  for (const std::string& rule : rules) {
    out.append("add rule ").append(table).append(" ").append(chain).append(" ");
    out.append(rule).append("\n");
  }
}

// The chain itself and the maps that only it looks up.
void make_shared(Changes& out, const std::string& table, const SharedChain& chain,
                 const Settings& settings, Family family) {
  std::string value =
      std::string(family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr") + " . inet_service";
  bool node_port = false;
  for (const std::string& map : chain.maps()) {
    out.make += "add map " + table + " " + map + " { type " + front_map_type(node_port, family) +
                " : " + value + "; }\n";
    node_port = true;
  }
  out.make += chain_line(table, chain.name());
  add_rules(out.fill, table, chain.name(), chain.rules(settings, family));
}

bool is_kept_ready(const SharedChain& chain) {
  switch (chain.kind) {
    case SharedChain::Kind::kEndpoint:
      return chain.count < kReadyEndpoints;
    case SharedChain::Kind::kSpread:
    case SharedChain::Kind::kExternal:
      return chain.count <= kReadyEndpoints;
    default:
      return false;
  }
}

}  // namespace

const FrontRules* RuleSet::front(const std::string& key) const {
  auto at = claims_.find(key);
  if (at == claims_.end()) return nullptr;
  return &services_.at(at->second.begin()->service).fronts.at(key);
}

void RuleSet::touch(const ServiceRules& rules) {
  for (const auto& [name, unused] : rules.chains) {
    old_chains_.try_emplace(name, lookup(chains_, name));
  }
  for (const auto& [name, unused] : rules.affinity_sets) {
    old_sets_.try_emplace(name, lookup(sets_, name));
  }
  for (const Member& member : rules.members) {
    old_members_.try_emplace(member, members_.contains(member));
  }
  for (const auto& [key, unused] : rules.fronts) {
    if (old_fronts_.contains(key)) continue;
    const FrontRules* before = front(key);
    old_fronts_.emplace(key, before ? std::optional(*before) : std::nullopt);
  }
}

void RuleSet::use(const SharedChain& chain) {
  int& users = shared_[chain];
  if (users++ > 0) return;
  idle_.erase(chain);
  if (!made_.contains(chain)) fresh_.insert(chain);
  for (const SharedChain& needed : chain.needs()) use(needed);
}

void RuleSet::release(const SharedChain& chain) {
  auto at = shared_.find(chain);
  if (--at->second > 0) return;
  shared_.erase(at);
  fresh_.erase(chain);
  if (made_.contains(chain) && !is_kept_ready(chain)) idle_.insert(chain);
  for (const SharedChain& needed : chain.needs()) release(needed);
}

void RuleSet::make_ready(const SharedChain& chain) {
  if (!made_.insert(chain).second) return;
  for (const SharedChain& needed : chain.needs()) make_ready(needed);
}

void RuleSet::link(const std::string& service, const ServiceRules& rules) {
  for (const auto& [name, body] : rules.chains) chains_[name] = body;
  for (const auto& [name, seconds] : rules.affinity_sets) sets_[name] = seconds;
  for (const SharedChain& chain : rules.shared) use(chain);
  for (const Member& member : rules.members) ++members_[member];
  for (const auto& [key, front] : rules.fronts) claims_[key].insert({!front.cluster_ip, service});
}

void RuleSet::unlink(const std::string& service, const ServiceRules& rules) {
  for (const auto& [name, unused] : rules.chains) chains_.erase(name);
  for (const auto& [name, unused] : rules.affinity_sets) sets_.erase(name);
  for (const SharedChain& chain : rules.shared) release(chain);
  for (const Member& member : rules.members) drop_user(members_, member);
  for (const auto& [key, front] : rules.fronts) {
    auto at = claims_.find(key);
    at->second.erase({!front.cluster_ip, service});
    if (at->second.empty()) claims_.erase(at);
  }
}

void RuleSet::set(const std::string& service, ServiceRules rules) {
  auto at = services_.find(service);
  if (at == services_.end() && rules.empty()) return;
  if (at != services_.end()) {
    for (auto& [key, front] : rules.fronts) {
      auto former = at->second.fronts.find(key);
      if (former == at->second.fronts.end()) continue;
      keep_places(former->second.endpoints, front.endpoints);
      keep_places(former->second.local_endpoints, front.local_endpoints);
    }
    if (at->second == rules) return;
    touch(at->second);
  }
  touch(rules);
  if (at != services_.end()) {
    unlink(service, at->second);
    services_.erase(at);
  }
  if (rules.empty()) return;
  link(service, rules);
  services_.emplace(service, std::move(rules));
}

void RuleSet::chain_changes(Changes& out) const {
  std::string table = table_ref(settings_, family_);
  for (const auto& [name, before] : old_chains_) {
    std::optional<Rules> now = lookup(chains_, name);
    if (now == before) continue;
    if (before) out.flush += "flush chain " + table + " " + name + "\n";
    if (before && !now) out.drop += "delete chain " + table + " " + name + "\n";
    if (!before && now) out.make += chain_line(table, name);
    if (now) add_rules(out.fill, table, name, *now);
  }
}

void RuleSet::shared_changes(Changes& out) {
  std::string table = table_ref(settings_, family_);
  for (const SharedChain& chain : fresh_) make_shared(out, table, chain, settings_, family_);
  made_.insert(fresh_.begin(), fresh_.end());
  fresh_.clear();
  if (!out.elements_only() && idle_.size() > kMaxIdleChains) sweep_idle(out);
}

void RuleSet::sweep_idle(Changes& out) {
  std::string table = table_ref(settings_, family_);
  for (const SharedChain& chain : idle_) {
    out.flush += "flush chain " + table + " " + chain.name() + "\n";
    out.drop += "delete chain " + table + " " + chain.name() + "\n";
    for (const std::string& map : chain.maps()) {
      out.drop += "delete map " + table + " " + map + "\n";
    }
    made_.erase(chain);
  }
  idle_.clear();
}

void RuleSet::set_changes(Changes& out) const {
  std::string table = table_ref(settings_, family_);
  for (const auto& [name, before] : old_sets_) {
    std::optional<int> now = lookup(sets_, name);
    if (now == before) continue;
    if (before) out.drop += "delete set " + table + " " + name + "\n";
    if (now) out.make += set_line(table, family_, name, *now);
  }
}

void RuleSet::element_changes(Changes& out) const {
  for (const auto& [member, before] : old_members_) {
    bool now = members_.contains(member);
    if (before && !now) out.removed.push_back({member.first, member.second, ""});
    if (now && !before) out.added.push_back({member.first, member.second, ""});
  }
  for (const auto& [key, old] : old_fronts_) {
    Elements before = elements_of(old ? &*old : nullptr), now = elements_of(front(key));
    for (const auto& [map, value] : before) {
      if (lookup(now, map) != value) out.removed.push_back({map, key, value});
    }
    for (const auto& [map, value] : now) {
      if (lookup(before, map) != value) out.added.push_back({map, key, value});
    }
  }
}

void RuleSet::forget_changes() {
  old_chains_.clear();
  old_sets_.clear();
  old_members_.clear();
  old_fronts_.clear();
}

Changes RuleSet::take_changes() {
  Changes changes;
  chain_changes(changes);
  set_changes(changes);
  shared_changes(changes);
  element_changes(changes);
  forget_changes();
  return changes;
}

std::string RuleSet::take_transaction() {
  return take_changes().text(table_ref(settings_, family_));
}

Changes RuleSet::frame(const NodeFacts& node) const {
  std::string table = table_ref(settings_, family_);
  Changes all;
  for (const std::string& line : base_rules(settings_, node, family_)) all.make += line + "\n";
  for (const SharedChain& chain : made_) make_shared(all, table, chain, settings_, family_);
  for (const auto& [name, seconds] : sets_) all.make += set_line(table, family_, name, seconds);
  for (const auto& [name, rules] : chains_) {
    all.make += chain_line(table, name);
    add_rules(all.fill, table, name, rules);
  }
  return all;
}

Changes RuleSet::take_full(const NodeFacts& node) {
  std::string table = table_ref(settings_, family_);
  made_.clear();
  for (const auto& [chain, unused] : shared_) made_.insert(chain);
  for (uint32_t count = 1; count <= kReadyEndpoints; ++count) {
    make_ready({SharedChain::Kind::kExternal, count});
  }
  fresh_.clear();
  idle_.clear();
  forget_changes();
  Changes all = frame(node);
  for (const auto& [member, unused] : members_)
    all.added.push_back({member.first, member.second, ""});
  for (const auto& [key, unused] : claims_) {
    for (const auto& [map, value] : elements_of(front(key))) all.added.push_back({map, key, value});
  }
  all.flush = "add table " + table + "\ndelete table " + table + "\nadd table " + table + "\n";
  return all;
}

}  // namespace tiphys::proxy
