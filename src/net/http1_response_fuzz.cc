// An answer as an HTTP/1.1 client reads it, and gRPC's frames in its body. One piece or many: the
// same outcome.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/grpc_wire.h"
#include "net/http1_body.h"
#include "net/http1_head.h"

namespace tiphys::net {
namespace {

constexpr size_t kBodyLimit = 4096;

std::string read_body(std::string_view bytes, BodyFraming framing, size_t piece) {
  Http1Body reader(framing);
  std::string input;
  std::string body;
  while (!reader.done() && body.size() < kBodyLimit) {
    auto taken = reader.take(input, body, kBodyLimit);
    if (!taken) return "bad " + body;
    if (*taken > input.size() || body.size() > kBodyLimit) std::abort();
    input.erase(0, *taken);
    if (reader.done() || body.size() == kBodyLimit) break;
    if (bytes.empty()) return (reader.finish() ? "ended " : "cut ") + body;
    size_t n = std::min(piece, bytes.size());
    input += bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
  return "whole " + body;
}

std::string read_messages(std::string_view body, size_t piece) {
  GrpcDeframer deframer;
  std::string log;
  while (true) {
    auto message = deframer.next();
    if (!message) return log + "bad";
    if (*message) {
      log += **message + "|";
      continue;
    }
    if (body.empty()) return log;
    size_t n = std::min(piece, body.size());
    deframer.add(body.substr(0, n));
    body.remove_prefix(n);
  }
}

void check(std::string_view bytes, std::string_view method, size_t piece) {
  size_t end = find_response_head_end(bytes, 0);
  for (size_t n = piece; n < bytes.size() + piece; n += piece) {  // as it trickles in
    size_t found = find_response_head_end(bytes.substr(0, n), n - piece);
    if (found == std::string_view::npos) continue;
    if (found != end) std::abort();
    break;
  }
  if (end == std::string_view::npos) return;
  auto head = parse_response_head(bytes.substr(0, end), method);
  if (!head) return;
  if (head->status < 100 || head->status > 999) std::abort();
  std::string_view rest = bytes.substr(end);
  std::string body = read_body(rest, head->framing, rest.size() + 1);
  if (body != read_body(rest, head->framing, piece)) std::abort();
  if (read_messages(body, body.size() + 1) != read_messages(body, piece)) std::abort();
}

}  // namespace
}  // namespace tiphys::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  tiphys::net::check(bytes, data[0] & 16 ? "HEAD" : "GET", data[0] % 16 + 1);
  return 0;
}
