// Address and Cidr: IP addresses as the proxy handles them: parsed once, in canonical text.
// Pure values; thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::proxy {

enum class Family : uint8_t { kIpv4, kIpv6 };

class Address {
 public:
  // Nothing if the text is no IPv4 or IPv6 address (zones are refused). Numbers of IPv4 are
  // decimal, also with leading zeros, as the API server has them (CVE-2021-29923).
  static std::optional<Address> parse(std::string_view text);
  // Four or sixteen bytes in network order; nothing for any other number.
  static std::optional<Address> from_bytes(std::string_view bytes);

  Family family() const { return family_; }
  const std::string& text() const { return text_; }
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  // An address that a Service must never lead to: loopback, link-local, unspecified, multicast
  // (CVE-2021-25737, CVE-2020-8554's worst cases). IPv4-mapped IPv6 counts as its IPv4.
  bool is_forbidden_endpoint() const;
  bool operator==(const Address& other) const { return text_ == other.text_; }
  auto operator<=>(const Address& other) const { return text_ <=> other.text_; }

 private:
  Family family_ = Family::kIpv4;
  std::array<uint8_t, 16> bytes_{};  // IPv4 uses the first four
  std::string text_;
};

struct Cidr {
  Address address;  // host bits cleared
  int bits = 0;

  // Nothing if it is no "address/bits".
  static std::optional<Cidr> parse(std::string_view text);
  Family family() const { return address.family(); }
  std::string text() const { return address.text() + "/" + std::to_string(bits); }
  bool contains(const Address& other) const;
  bool operator==(const Cidr&) const = default;
};

// "a/b, c/d": those of the family without the ones that lie inside another, as nft sets need them.
std::string cidr_list(const std::vector<Cidr>& cidrs, Family family);

}  // namespace tiphys::proxy
