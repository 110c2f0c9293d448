// Http1Upload: a request's body stream being written to an HTTP/1.1 connection, while the answer
// may already come. Loop thread only. Internal to net/.
#pragma once
#include <memory>

#include "net/byte_stream.h"
#include "net/http.h"

namespace tiphys::net {

class Http1Upload {
 public:
  // Writes the body; in chunks, or as it is where the head told its length. Ends with the body,
  // with `stop`, or when the connection goes (abandon). A body that breaks off, or the server,
  // closes the connection.
  static std::shared_ptr<Http1Upload> start(WireStream& connection,
                                            std::shared_ptr<BodyStream> body, bool chunked,
                                            StopToken stop);
  // The whole body is out.
  bool done() const { return done_; }
  // What the body broke off with.
  const std::optional<ApiStatus>& error() const { return error_; }
  // The connection is about to go.
  void abandon();

 private:
  Http1Upload(WireStream& connection, bool chunked, const StopToken& stop)
      : connection_(&connection), chunked_(chunked), stop_(stop) {}
  static Task<void> run(std::shared_ptr<Http1Upload> upload, std::shared_ptr<BodyStream> body);
  void fail(std::optional<ApiStatus> why);

  WireStream* connection_;  // null: abandoned
  bool chunked_;
  StopSource stop_;
  bool done_ = false;
  std::optional<ApiStatus> error_;
};

}  // namespace tiphys::net
