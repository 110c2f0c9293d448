#include "kubelet/network/masquerade_watch.h"

#include "os/nftables.h"

namespace tiphys::kubelet {
namespace {

Result<std::string> present_rules(const PodNetwork& network) {
  std::string all;
  for (const std::string& table : masquerade_tables(network)) {
    TIPHYS_TRY(std::string, rules, os::nft_list(table));
    all += rules;
  }
  return all;
}

}  // namespace

void MasqueradeWatch::note(const PodNetwork& network) {
  Result<uint32_t> generation = os::nft_generation();
  Result<std::string> rules = present_rules(network);
  generation_ = generation.value_or(0);
  rules_ = rules.value_or("");
}

Result<bool> MasqueradeWatch::stands(const PodNetwork& network) {
  TIPHYS_TRY(uint32_t, generation, os::nft_generation());
  if (generation == generation_ || rules_.empty()) return true;
  TIPHYS_TRY(std::string, rules, present_rules(network));
  if (rules != rules_) return false;
  generation_ = generation;
  return true;
}

}  // namespace tiphys::kubelet
