// A SPDY peer's bytes. One piece or many: the same outcome.
#include <cstdint>
#include <cstdlib>

#include "net/spdy_frames.h"

namespace tiphys::net {
namespace {

// Neighbouring parts of data are one.
std::string read_all(std::string_view input, size_t piece) {
  SpdyReader reader;
  std::string log;
  uint32_t data_of = 0;
  while (true) {
    auto frame = reader.next();
    if (!frame) return log + "bad";
    if (*frame) {
      const SpdyFrame& f = **frame;
      bool data = f.type == SpdyType::kData;
      if (!data || f.stream != data_of) log += "|" + std::to_string(int(f.type)) + " ";
      if (!data || f.stream != data_of) log += std::to_string(f.stream) + " ";
      data_of = data && !f.fin ? f.stream : 0;
      if (f.headers.entries().size() > kMaxSpdyHeaders) std::abort();
      for (const auto& entry : f.headers.entries()) log += entry.name + "=" + entry.value;
      log += f.data + (f.fin ? "." : "");
      continue;
    }
    if (input.empty()) return log;
    reader.add(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
  }
}

}  // namespace
}  // namespace tiphys::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string whole = tiphys::net::read_all(input, size + 1);
  for (size_t piece : {1, 3, 64}) {
    if (tiphys::net::read_all(input, piece) != whole) std::abort();
  }
  return 0;
}
