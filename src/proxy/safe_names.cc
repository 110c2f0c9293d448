#include "proxy/safe_names.h"

#include <algorithm>

namespace tiphys::proxy {
namespace {

constexpr size_t kMaxKey = 254;
constexpr size_t kMaxPortName = 63;

bool is_safe(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
  });
}

}  // namespace

bool has_safe_names(const ServiceFacts& service) {
  if (service.key.size() > kMaxKey || !is_safe(service.key)) return false;
  return std::all_of(service.ports.begin(), service.ports.end(), [](const ServicePort& p) {
    return p.name.size() <= kMaxPortName && is_safe(p.name);
  });
}

}  // namespace tiphys::proxy
