// The kernel's side, beyond os/nftables.h. All calls block (run them on the pool) and work in the
// calling thread's network namespace.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/nftables.h"
#include "proxy/address.h"

namespace tiphys::proxy {

// Removes a table; absent is fine.
Result<void> nft_remove_table(const std::string& table, Family family);
// NFTA_TABLE_FLAGS: NFT_TABLE_F_DORMANT is one; nullopt: there is no such table.
Result<std::optional<uint32_t>> nft_table_flags(const std::string& table, Family family);
// The kernel's number for the family.
uint8_t nft_family(Family family);

// Turns on what forwarding of translated packets needs: net.ipv4.ip_forward, and for pods of one
// bridge br_netfilter. Answers whether bridged packets pass through the rules (see
// Settings::masquerade_same_node); never fails: what can't be written is logged.
bool prepare_kernel(bool ipv6);

}  // namespace tiphys::proxy
