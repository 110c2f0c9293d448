// GrpcChannel: a gRPC client (unary and server streaming) over net::Client. Message bytes are made
// and read by the caller (schema-driven protobuf codec).
//
// Errors carry gRPC's code: ApiStatus reason is the code's name ("NotFound", "Unavailable",
// "DeadlineExceeded", ...), message is grpc-message; the HTTP-like code is mapped (404, 503,
// 504...).
#pragma once
#include <memory>
#include <string>

#include "net/client.h"

namespace tiphys::net {

class GrpcStream {
 public:
  virtual ~GrpcStream() = default;
  // The next message; nullopt at an OK end.
  virtual Task<Result<std::optional<std::string>>> next(StopToken stop) = 0;
};

class GrpcChannel {
 public:
  // target: "unix:///run/containerd/containerd.sock" or "127.0.0.1:2379" (tls may be null).
  GrpcChannel(EpollLoop& loop, std::string target,
              std::shared_ptr<crypto::ClientTls> tls = nullptr);
  ~GrpcChannel();
  // method: "/runtime.v1.RuntimeService/Version". timeout zero: none. metadata: extra headers.
  Task<Result<std::string>> unary(std::string method, std::string message, Duration timeout,
                                  StopToken stop = {}, Headers metadata = {});
  Task<Result<std::unique_ptr<GrpcStream>>> server_stream(std::string method, std::string message,
                                                          StopToken stop = {},
                                                          Headers metadata = {});
  Task<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::net
