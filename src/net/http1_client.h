// The client's side of HTTP/1.1: one exchange at a time on a WireStream. Loop thread only.
// Internal to net/.
#pragma once
#include <memory>

#include "net/byte_stream.h"
#include "net/http.h"
#include "net/http1_head.h"
#include "net/http1_upload.h"

namespace tiphys::net {

struct Http1Connection {
  ~Http1Connection() {
    if (upload) upload->abandon();
  }
  std::unique_ptr<WireStream> stream;
  std::string input;                    // read, not yet used
  bool answered = false;                // bytes of the current answer came
  std::shared_ptr<Http1Upload> upload;  // of the current request's body stream
};

// Takes connections back that can be used again.
class Http1Idle {
 public:
  virtual ~Http1Idle() = default;
  virtual void give_back(std::unique_ptr<Http1Connection> connection) = 0;
};

// Sends the request and reads the head of the answer (1xx but 101 are skipped). On error
// connection->answered tells whether the server may have acted.
Task<Result<ResponseHead>> http1_exchange(Http1Connection* connection, Request* request,
                                          bool upgrade, StopToken stop);
// The body that follows; gives the connection back at its end, closes it if dropped before.
std::unique_ptr<BodyStream> http1_body(std::unique_ptr<Http1Connection> connection,
                                       const ResponseHead& head, std::weak_ptr<Http1Idle> idle);

}  // namespace tiphys::net
