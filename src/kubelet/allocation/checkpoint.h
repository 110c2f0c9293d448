// The text of a checkpoint of allocations: upstream's shape (pkg/kubelet/allocation/state),
// {"data":"{\"entries\":{\"<uid>\":{\"ContainerResources\":{...}}}}","checksum":n}. Pure.
// The checksum is FNV-1a (32 bits) of data; upstream's hashes a printed Go value.
#pragma once
#include "base/result.h"
#include "kubelet/allocation/allocation.h"

namespace tiphys::kubelet {

using Allocations = std::map<std::string, Allocation, std::less<>>;  // by pod uid

std::string encode_checkpoint(const Allocations& allocations);
// Errors: no JSON, "checkpoint is corrupted" (its checksum is wrong), an amount that is none.
Result<Allocations> decode_checkpoint(std::string_view text);

}  // namespace tiphys::kubelet
