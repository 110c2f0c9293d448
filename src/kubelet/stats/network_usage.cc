#include "kubelet/stats/network_usage.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kColumns = 16;  // eight received, eight sent
constexpr std::string_view kLeftOut[] = {"lo", "veth", "tunl", "gre", "erspan", "ip_vti", "ip6"};

bool is_left_out(std::string_view name) {
  return std::ranges::any_of(kLeftOut, [name](std::string_view p) { return name.starts_with(p); });
}

std::vector<int64_t> numbers(std::string_view text) {
  std::vector<int64_t> out;
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    out.push_back(parse_int(word).value_or(0));
  }
  return out;
}

}  // namespace

std::vector<InterfaceUsage> interfaces_of(std::string_view net_dev) {
  std::vector<InterfaceUsage> out;
  for (std::string_view line : split(net_dev, '\n')) {
    size_t colon = line.find(':');
    if (colon == line.npos) continue;  // headings
    std::string_view name = trim(line.substr(0, colon));
    std::vector<int64_t> n = numbers(line.substr(colon + 1));
    if (is_left_out(name) || n.size() < kColumns) continue;
    out.push_back({.name = std::string(name),
                   .rx_bytes = n[0],
                   .rx_packets = n[1],
                   .rx_errors = n[2],
                   .rx_dropped = n[3],
                   .tx_bytes = n[8],
                   .tx_packets = n[9],
                   .tx_errors = n[10],
                   .tx_dropped = n[11]});
  }
  return out;
}

const InterfaceUsage* main_interface(const std::vector<InterfaceUsage>& interfaces) {
  auto found = std::ranges::find(interfaces, "eth0", &InterfaceUsage::name);
  if (found != interfaces.end()) return &*found;
  return interfaces.empty() ? nullptr : &interfaces.front();
}

}  // namespace tiphys::kubelet
