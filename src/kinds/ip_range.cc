#include "kinds/ip_range.h"

namespace tiphys {

WideNumber number_of(const IpAddress& address) {
  WideNumber number = 0;
  for (size_t i = 0; i < static_cast<size_t>(address_bits(address.v6)) / 8; ++i) {
    number = number << 8 | address.bytes[i];
  }
  return number;
}

IpAddress advance(const IpAddress& from, uint64_t n, int shift) {
  WideNumber number = number_of(from) + (WideNumber{n} << shift);
  IpAddress address{.bytes = {}, .v6 = from.v6};
  for (size_t i = static_cast<size_t>(address_bits(from.v6)) / 8; i-- > 0; number >>= 8) {
    address.bytes[i] = static_cast<uint8_t>(number & 0xff);
  }
  return address;
}

std::optional<uint64_t> block_of(const IpAddress& from, const IpAddress& address, int shift) {
  if (from.v6 != address.v6 || number_of(address) < number_of(from)) return std::nullopt;
  WideNumber number = (number_of(address) - number_of(from)) >> shift;
  if (number > UINT64_MAX) return std::nullopt;
  return static_cast<uint64_t>(number);
}

}  // namespace tiphys
