// The backend over iptables(8): iptables-restore for rules, a canary chain in each table for the
// look (upstream's Monitor: who flushes tables takes it, or the rule in it, along). Whatever
// flavour the machine's iptables is (legacy or nf_tables).
#pragma once
#include "proxy/backend.h"

namespace tiphys::proxy {

// flavour: "" for the machine's own, or "legacy" or "nft".
std::unique_ptr<Backend> make_iptables_backend(const Settings& settings, Family family,
                                               const std::string& flavour = "");

// Removes our chains and jumps from every flavour and both families that this machine has; absent
// is fine, no iptables at all, too. Blocks. Chains have fixed names: with the usual table's name
// those of any other kube-proxy of the machine go as well, else only those that are ours.
Result<void> iptables_cleanup(const Settings& settings);

}  // namespace tiphys::proxy
