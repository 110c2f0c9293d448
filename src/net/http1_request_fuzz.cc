// Requests as an HTTP/1.1 connection reads them: heads and bodies, one after another. The same
// bytes in one piece and in small pieces must be understood in the same way.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http1_body.h"
#include "net/http1_head.h"

namespace tiphys::net {
namespace {

constexpr size_t kBodyLimit = 4096;

// What is understood of the bytes, as text.
std::string understand(std::string_view bytes, size_t piece) {
  std::string log;
  std::string input;
  size_t searched = 0;
  std::optional<Http1Body> framing;
  std::string body;
  while (true) {
    bool progress = false;
    if (!framing) {
      size_t end = find_head_end(input, searched);
      searched = input.size();
      if (end != std::string::npos) {
        auto head = parse_request_head(std::string_view(input).substr(0, end));
        if (!head) return log + "refused " + std::to_string(head.error().code());
        log += head->method + " " + head->path + "?" + head->query + " " + head->authority + "\n";
        for (const auto& [name, value] : head->headers.entries()) {
          if (!is_safe_header(name, value)) std::abort();
          log += name + "=" + value + "\n";
        }
        framing.emplace(head->framing);
        input.erase(0, end);
        searched = 0;
        progress = true;
      }
    } else {
      auto taken = framing->take(input, body, kBodyLimit);
      if (!taken) return log + "bad body";
      if (*taken > input.size() || body.size() > kBodyLimit) std::abort();
      input.erase(0, *taken);
      if (body.size() == kBodyLimit) return log + "large";
      if (framing->done()) {
        log += "[" + body + "]\n";
        body.clear();
        framing.reset();
        progress = true;
      }
    }
    if (progress) continue;
    if (bytes.empty()) return log;
    size_t n = std::min(piece, bytes.size());
    input += bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
}

}  // namespace
}  // namespace tiphys::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t piece = data[0] % 16 + 1;
  if (tiphys::net::understand(bytes, size) != tiphys::net::understand(bytes, piece)) std::abort();
  return 0;
}
