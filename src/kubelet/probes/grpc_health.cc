#include "kubelet/probes/grpc_health.h"

#include <cstdint>

namespace tiphys::kubelet {
namespace {

constexpr uint64_t kServiceTag = 0x0a;  // field 1, bytes
constexpr uint64_t kStatusTag = 0x08;   // field 1, number

void write_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::optional<uint64_t> read_varint(std::string_view& in) {
  uint64_t out = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    out |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return out;
  }
  return std::nullopt;
}

// Past a field of another number; false: broken.
bool skip_field(std::string_view& in, uint64_t tag) {
  uint64_t size = 0;
  switch (tag & 7) {
    case 0:
      return read_varint(in).has_value();
    case 1:
      size = 8;
      break;
    case 2: {
      std::optional<uint64_t> length = read_varint(in);
      if (!length) return false;
      size = *length;
      break;
    }
    case 5:
      size = 4;
      break;
    default:
      return false;
  }
  if (size > in.size()) return false;
  in.remove_prefix(size);
  return true;
}

}  // namespace

std::string health_check_request(std::string_view service) {
  std::string out;
  if (service.empty()) return out;
  write_varint(out, kServiceTag);
  write_varint(out, service.size());
  return out + std::string(service);
}

std::optional<std::string> health_check_status(std::string_view in) {
  uint64_t status = 0;
  while (!in.empty()) {
    std::optional<uint64_t> tag = read_varint(in);
    if (!tag) return std::nullopt;
    if (*tag != kStatusTag) {
      if (!skip_field(in, *tag)) return std::nullopt;
      continue;
    }
    std::optional<uint64_t> value = read_varint(in);
    if (!value) return std::nullopt;
    status = *value;
  }
  constexpr const char* kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < 4 ? kNames[status] : std::to_string(status);
}

}  // namespace tiphys::kubelet
