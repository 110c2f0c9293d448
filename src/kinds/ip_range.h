// Arithmetic with addresses of both families: the n-th block of a range, and the number of a block.
// A block is 2^shift addresses. Pure.
#pragma once
#include <cstdint>
#include <optional>

#include "kinds/ip_address.h"

namespace tiphys {

__extension__ using WideNumber = unsigned __int128;
// The address in host order; of IPv4 the lowest 32 bits.
WideNumber number_of(const IpAddress& address);

// How many bits an address of the family has.
inline int address_bits(bool v6) { return v6 ? 128 : 32; }

// The address n blocks after `from`; what goes beyond the family's last address wraps.
IpAddress advance(const IpAddress& from, uint64_t n, int shift = 0);

// In which block after `from` the address lies. Nothing: before it, of the other family, or in a
// block whose number has more than 64 bits.
std::optional<uint64_t> block_of(const IpAddress& from, const IpAddress& address, int shift = 0);

}  // namespace tiphys
