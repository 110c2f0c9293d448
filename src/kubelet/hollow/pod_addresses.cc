#include "kubelet/hollow/pod_addresses.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

// The last four bytes of an address: all that differs within a range.
uint32_t low_bits(const std::array<uint8_t, 16>& bytes, int family) {
  size_t end = family == AF_INET ? 4 : 16;
  uint32_t low = 0;
  for (size_t i = end - 4; i < end; ++i) low = low << 8 | bytes[i];
  return low;
}

void set_low_bits(std::array<uint8_t, 16>& bytes, int family, uint32_t low) {
  size_t end = family == AF_INET ? 4 : 16;
  for (size_t i = 0; i < 4; ++i) bytes[end - 1 - i] = static_cast<uint8_t>(low >> (8 * i));
}

}  // namespace

std::optional<PodAddresses> PodAddresses::create(std::string_view cidr) {
  size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string address(cidr.substr(0, slash));
  std::optional<int64_t> prefix = parse_int(cidr.substr(slash + 1));
  PodAddresses out;
  out.family_ = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  int64_t bits = out.family_ == AF_INET ? 32 : 128;
  if (!prefix || *prefix < 0 || *prefix > bits - 2) return std::nullopt;
  if (inet_pton(out.family_, address.c_str(), out.base_.data()) != 1) return std::nullopt;
  uint32_t span = uint32_t{1} << std::min<int64_t>(bits - *prefix, kMaxHostBits);
  out.last_ = span - 1;
  set_low_bits(out.base_, out.family_, low_bits(out.base_, out.family_) & ~out.last_);
  return out;
}

std::string PodAddresses::text(uint32_t offset) const {
  std::array<uint8_t, 16> bytes = base_;
  set_low_bits(bytes, family_, low_bits(bytes, family_) | offset);
  char out[INET6_ADDRSTRLEN] = {};
  inet_ntop(family_, bytes.data(), out, sizeof out);
  return out;
}

std::optional<uint32_t> PodAddresses::offset_of(const std::string& address) const {
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(family_, address.c_str(), bytes.data()) != 1) return std::nullopt;
  uint32_t low = low_bits(bytes, family_);
  set_low_bits(bytes, family_, low & ~last_);
  if (bytes != base_) return std::nullopt;
  return low & last_;
}

std::optional<std::string> PodAddresses::take() {
  for (uint32_t tried = 0; tried + 1 < last_; ++tried) {
    uint32_t offset = next_;
    next_ = next_ + 1 >= last_ ? 1 : next_ + 1;
    if (taken_.insert(offset).second) return text(offset);
  }
  return std::nullopt;
}

bool PodAddresses::keep(const std::string& address) {
  std::optional<uint32_t> offset = offset_of(address);
  if (!offset || *offset == 0 || *offset == last_) return false;
  return taken_.insert(*offset).second;
}

void PodAddresses::give_back(const std::string& address) {
  if (std::optional<uint32_t> offset = offset_of(address)) taken_.erase(*offset);
}

}  // namespace tiphys::kubelet
