#include "proxy/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::proxy {
namespace {

bool forbidden_v4(const uint8_t* b) {
  return b[0] == 0 || b[0] == 127 || (b[0] == 169 && b[1] == 254) || b[0] >= 224;
}

bool is_v4_mapped(const std::array<uint8_t, 16>& b) {
  return std::all_of(b.begin(), b.begin() + 10, [](uint8_t x) { return x == 0; }) &&
         b[10] == 0xff && b[11] == 0xff;
}

void clear_host_bits(std::array<uint8_t, 16>& bytes, int bits) {
  for (int i = 0; i < 16; ++i) {
    int keep = std::clamp(bits - i * 8, 0, 8);
    bytes[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> keep);
  }
}

std::string to_text(Family family, const std::array<uint8_t, 16>& bytes) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family == Family::kIpv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  std::string copy(text);
  if (std::strlen(copy.c_str()) != copy.size()) return std::nullopt;
  Address address;
  address.family_ = copy.find(':') == std::string::npos ? Family::kIpv4 : Family::kIpv6;
  if (address.family_ == Family::kIpv4) {
    std::optional<IpAddress> found = parse_ip(text);
    if (!found || found->v6) return std::nullopt;
    address.bytes_ = found->bytes;
  } else if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) != 1) {
    return std::nullopt;
  }
  address.text_ = to_text(address.family_, address.bytes_);
  return address;
}

std::optional<Address> Address::from_bytes(std::string_view bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  Address address;
  address.family_ = bytes.size() == 4 ? Family::kIpv4 : Family::kIpv6;
  std::memcpy(address.bytes_.data(), bytes.data(), bytes.size());
  address.text_ = to_text(address.family_, address.bytes_);
  return address;
}

bool Address::is_forbidden_endpoint() const {
  if (family_ == Family::kIpv4) return forbidden_v4(bytes_.data());
  if (is_v4_mapped(bytes_)) return forbidden_v4(bytes_.data() + 12);
  bool zero = std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t x) { return x == 0; });
  if (zero && bytes_[15] <= 1) return true;
  return bytes_[0] == 0xff || (bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<Address> address = Address::parse(text.substr(0, slash));
  std::optional<int64_t> bits = parse_int(text.substr(slash + 1));
  if (!address || !bits) return std::nullopt;
  if (*bits < 0 || *bits > (address->family() == Family::kIpv4 ? 32 : 128)) return std::nullopt;
  std::array<uint8_t, 16> bytes = address->bytes();
  clear_host_bits(bytes, static_cast<int>(*bits));
  std::optional<Address> network = Address::parse(to_text(address->family(), bytes));
  if (!network) return std::nullopt;
  return Cidr{*network, static_cast<int>(*bits)};
}

bool Cidr::contains(const Address& other) const {
  if (other.family() != family()) return false;
  std::array<uint8_t, 16> bytes = other.bytes();
  clear_host_bits(bytes, bits);
  return bytes == address.bytes();
}

std::string cidr_list(const std::vector<Cidr>& cidrs, Family family) {
  std::string text;
  for (size_t i = 0; i < cidrs.size(); ++i) {
    if (cidrs[i].family() != family) continue;
    bool inside = false;
    for (size_t j = 0; j < cidrs.size() && !inside; ++j) {
      bool wider = cidrs[j].bits < cidrs[i].bits || (cidrs[j].bits == cidrs[i].bits && j < i);
      inside = wider && cidrs[j].contains(cidrs[i].address);
    }
    if (!inside) text += (text.empty() ? "" : ", ") + cidrs[i].text();
  }
  return text;
}

}  // namespace tiphys::proxy
