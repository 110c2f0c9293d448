// MasqueradeWatch: whether the masquerade rules still are as apply_pod_network() made them. It
// looks at them closely only after somebody committed something, ours or not, to this network
// namespace's nftables. For one thread at a time; calls block.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"
#include "kubelet/network/pod_network.h"

namespace tiphys::kubelet {

class MasqueradeWatch {
 public:
  // Call right after apply_pod_network(): what is there passes for ours. What can't be read now is
  // not watched.
  void note(const PodNetwork& network);
  // Error: nft's; it can't be told.
  Result<bool> stands(const PodNetwork& network);

 private:
  uint32_t generation_ = 0;
  std::string rules_;  // "": not known
};

}  // namespace tiphys::kubelet
