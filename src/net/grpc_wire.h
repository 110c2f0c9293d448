// What gRPC puts on HTTP/2: message framing, status codes, grpc-message text, grpc-timeout.
// Pure. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http.h"

namespace tiphys::net {

inline constexpr size_t kMaxGrpcMessageBytes = 64 * 1024 * 1024;

// The message with its five-byte head.
std::string frame_grpc(std::string_view message);

// Takes messages out of a stream of bytes.
class GrpcDeframer {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // The next whole message, if there is one. Error: compressed (we never offer that) or too long.
  Result<std::optional<std::string>> next();
  bool empty() const { return used_ == buffer_.size(); }

 private:
  std::string buffer_;
  size_t used_ = 0;
};

// "NotFound" for 5 and so on; the HTTP-like code is that of grpc-gateway.
ApiStatus grpc_error(int code, std::string_view message);
// What the headers or trailers of an answer say: nothing if it is OK. `fallback` if they hold no
// grpc-status.
std::optional<ApiStatus> grpc_status(const Headers& fields, const ApiStatus& fallback);
std::string grpc_timeout(Duration timeout);

}  // namespace tiphys::net
