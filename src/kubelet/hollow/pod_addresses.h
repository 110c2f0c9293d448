// PodAddresses: the addresses of one range, each given to one pod at a time. Pure.
//
// IPv4 and IPv6. The range's first and last address are not given; of a range with more than
// kMaxHostBits host bits the first part is used.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tiphys::kubelet {

class PodAddresses {
 public:
  static constexpr int kMaxHostBits = 22;
  // Nothing: not a range ("10.0.0.0/24", "fd00::/64"), or none with room for a pod.
  static std::optional<PodAddresses> create(std::string_view cidr);
  // The next free address, round and round; nothing: all are taken.
  std::optional<std::string> take();
  // An address that is in use already. False: not of this range, or taken.
  bool keep(const std::string& address);
  void give_back(const std::string& address);

 private:
  std::optional<uint32_t> offset_of(const std::string& address) const;
  std::string text(uint32_t offset) const;

  int family_ = 0;
  std::array<uint8_t, 16> base_{};
  uint32_t last_ = 0;  // offset of the range's last address
  uint32_t next_ = 1;
  std::set<uint32_t> taken_;
};

}  // namespace tiphys::kubelet
