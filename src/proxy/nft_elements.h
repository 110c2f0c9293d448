// Elements of maps by nfnetlink: what most changes consist of reaches the kernel in one batch, in a
// fraction of the time that nft(8) needs to start.
// Source of the encoding: linux/netfilter/nf_tables.h and nfnetlink.h, nft --debug=netlink.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"
#include "proxy/address.h"
#include "proxy/changes.h"

namespace tiphys::proxy {

// What one batch carries at most; more is nft(8)'s, which raises the socket's limit.
inline constexpr size_t kMaxBatchBytes = 128 * 1024;

struct ElementBatch {
  std::vector<os::NetlinkMessage> messages;  // from batch begin to batch end
  size_t bytes = 0;
};

// Pure. A key or value ("10.43.0.5 . tcp . 80") as the kernel has it; nothing if it isn't one.
std::optional<std::string> encode_data(std::string_view text);

// Pure. Nothing if the changes are more than elements, too many, or hold what isn't known here.
std::optional<ElementBatch> element_batch(const std::string& table, Family family,
                                          const Changes& changes);
// All or nothing. Blocks; works in the calling thread's network namespace. Error: the kernel's,
// such as a table that isn't as it should be (os_error).
Result<void> apply_elements(const ElementBatch& batch);

}  // namespace tiphys::proxy
