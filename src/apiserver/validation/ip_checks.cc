#include "apiserver/validation/ip_checks.h"

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

bool is_mapped(const IpAddress& address, std::string_view text) {
  return !address.v6 && text.find(':') != std::string_view::npos;
}

std::string canonical_form(std::string_view text) {
  return "must be in canonical form (" + go_quote(text) + ")";
}

}  // namespace

Messages check_ipv4(std::string_view text) {
  std::optional<IpAddress> address = parse_ip(text);
  if (address && !address->v6) return {};
  return {"must be a valid IPv4 address"};
}

Messages check_ipv6(std::string_view text) {
  std::optional<IpAddress> address = parse_ip(text);
  if (address && address->v6) return {};
  return {"must be a valid IPv6 address"};
}

Messages check_strict_ip(std::string_view text) {
  std::optional<IpAddress> address = parse_ip(text);
  if (!address) return check_ip(text);
  if (is_mapped(*address, text)) return {"must not be an IPv4-mapped IPv6 address"};
  std::string canonical = canonical_text(*address);
  if (canonical == text) return {};
  if (!address->v6) return {"must not have leading 0s"};
  return {canonical_form(canonical)};
}

Messages check_strict_cidr(std::string_view text) {
  std::optional<IpPrefix> prefix = parse_cidr(text);
  if (!prefix) return check_cidr(text);
  if (is_mapped(prefix->address, text)) return {"must not have an IPv4-mapped IPv6 address"};
  std::string suffix = "/" + std::to_string(prefix->bits);
  bool zeros = !prefix->address.v6 && canonical_text(prefix->address) + suffix != text;
  if (zeros || !text.ends_with(suffix)) return {"must not have leading 0s in IP or prefix length"};
  if (masked(*prefix) != prefix->address) {
    return {"must not have bits set beyond the prefix length"};
  }
  std::string canonical = canonical_text(prefix->address) + suffix;
  if (canonical == text) return {};
  return {canonical_form(canonical)};
}

Messages check_interface_address(std::string_view text) {
  std::optional<IpPrefix> prefix = parse_cidr(text);
  if (!prefix) {
    return {"must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"};
  }
  int bits = prefix->bits;
  if (!prefix->address.v6 && bits > 32) bits -= 96;  // an IPv4-mapped IPv6 address
  std::string canonical = canonical_text(prefix->address) + "/" + std::to_string(bits);
  if (canonical == text) return {};
  return {canonical_form(canonical)};
}

}  // namespace tiphys::apiserver
