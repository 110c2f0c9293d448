// NftCustody: whether somebody else has committed anything to the nftables of this network
// namespace, ours or not, since we did. The kernel numbers its transactions one by one
// (NFTA_GEN_ID). For one thread at a time; calls block.
#pragma once
#include <cstdint>
#include <functional>

#include "base/result.h"

namespace tiphys::proxy {

class NftCustody {
 public:
  // Runs what commits one transaction if it succeeds, and notices others' beside it. Answers what
  // strangers() said just before: it says more as soon as there was one since.
  Result<uint64_t> run(const std::function<Result<void>()>& transaction);
  // Stays the same until there was a stranger.
  Result<uint64_t> strangers();

 private:
  Result<void> look(uint32_t ours);  // ours: transactions since the last look

  uint32_t generation_ = 0;
  uint64_t strangers_ = 0;
};

}  // namespace tiphys::proxy
