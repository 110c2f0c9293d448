// HTTP messages as the server and the client of this folder exchange them with their users.
//
// Loop thread only. A request body is whole and bounded, unless it is asked for as a stream; a
// response body is whole (shared bytes) or a stream. Header names are lower case.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "base/result.h"

namespace tiphys::crypto {
class Certificate;
}

namespace tiphys::net {

using Bytes = std::shared_ptr<const std::string>;

class Headers {
 public:
  struct Entry {
    std::string name;
    std::string value;
  };
  // The first value of a (lower case) name, or empty.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  void add(std::string_view name, std::string_view value);  // name is lowered
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// A pulled body. Destroying it ends the stream.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next chunk (never empty); null at the end; an error if the stream broke.
  virtual Task<Result<Bytes>> next(StopToken stop) = 0;
  // After the end: the fields that trail the body (HTTP/2 only; gRPC's status). Null: none.
  virtual const Headers* trailers() const { return nullptr; }
};

struct Request {
  std::string method;  // "GET"
  std::string path;    // raw, percent-encoded, starts with '/'
  std::string query;   // raw, without '?'
  std::string authority;
  Headers headers;
  std::string body;
  std::shared_ptr<BodyStream> body_stream;  // instead of `body`; its length is in the headers
  // Server side only:
  bool body_too_large = false;  // it isn't here, and won't be (see ServerLimits)
  std::string remote_address;   // "10.0.0.1:4242"
  std::shared_ptr<const crypto::Certificate> peer_certificate;  // verified; null: none given
  StopToken gone;  // stops when the client went away or the server shuts down
};

// A byte connection: what is left after an upgrade. read: "" at the end.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Task<Result<std::string>> read(size_t max_bytes, StopToken stop) = 0;
  virtual Task<Result<void>> write(std::string bytes, StopToken stop) = 0;
  virtual void close() = 0;
  // Calls back once, when the peer has hung up: it sends no more than what came already, and most
  // likely reads nothing. Not after close().
  virtual void on_hang_up(std::function<void()> callback) {}
  // Takes leave first, where the protocol has a word for it; bounded in time. Then it is closed.
  virtual Task<void> end() {
    close();
    co_return;
  }
};

struct Response {
  int status = 200;
  Headers headers;  // content-length and transfer-encoding are the server's to set
  Bytes body;       // whole body, may be null (empty)
  std::unique_ptr<BodyStream> stream;  // else a stream; each chunk is flushed at once
  // HTTP/1.1 only: status 101; the handler takes the connection over. Called once.
  std::function<Task<void>(std::unique_ptr<ByteStream>)> upgrade;
};

using Handler = std::function<Task<Response>(Request)>;

}  // namespace tiphys::net
