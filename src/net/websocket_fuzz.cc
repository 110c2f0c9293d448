// A WebSocket client's bytes. One piece or many: the same outcome.
#include <cstdint>
#include <cstdlib>

#include "net/websocket.h"

namespace tiphys::net {
namespace {

struct Log {
  std::string messages;
  std::string controls;
  std::string end;
  bool operator==(const Log&) const = default;
};

Log read_all(std::string_view input, size_t piece) {
  WebSocketReader reader;
  Log log;
  while (true) {
    auto next = reader.next();
    if (!next) {
      log.end = next.error().message();
      return log;
    }
    if (*next) {
      const WebSocketPiece& p = **next;
      if (p.opcode == WebSocketOpcode::kContinuation) std::abort();
      bool control = p.opcode >= WebSocketOpcode::kClose;
      if (control && p.bytes.size() > kMaxWebSocketControlBytes) std::abort();
      std::string& out = control ? log.controls : log.messages;
      if (p.first) out += std::to_string(int(p.opcode)) + "<";
      out += p.bytes + (p.last ? ">" : "");
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
  tiphys::net::Log whole = tiphys::net::read_all(input, size + 1);
  for (size_t piece : {1, 3, 64}) {
    if (!(tiphys::net::read_all(input, piece) == whole)) std::abort();
  }
  return 0;
}
