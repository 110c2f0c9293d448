// World: what cases run against: a server that answers requests, time that passes, and what can be
// done to it from outside. Implementations: ServerWorld (an API server's process), and those of
// tests/control (a cluster on virtual time, and one that runs elsewhere). One thread.
#pragma once
#include <functional>
#include <string>

#include "net/http.h"
#include "object/value.h"

namespace tiphys::cases {

inline constexpr std::string_view kAdminToken = "admintoken";  // a user in system:masters

// What came back: a whole answer, or what a stream had said by the time it was let go.
struct Reply {
  int status = 0;
  net::Headers headers;
  std::string body;
  bool ended = true;  // false: a stream that was still open
};

class World {
 public:
  virtual ~World() = default;
  // Sends a request as it is. Of a stream it reads until `enough` (null: never) says that the text
  // so far is enough, or the stream ends, or `limit` passes.
  virtual Reply send(net::Request request, std::function<bool(std::string_view)> enough = nullptr,
                     Duration limit = std::chrono::seconds(10)) = 0;
  // Stops what runs and opens it again on what the store holds.
  virtual void restart() = 0;
  virtual void pass(Duration time) = 0;
  virtual MonoTime mono() const = 0;
  // Whether its seconds are real, so that there is no waiting for hours.
  virtual bool is_real_time() const { return false; }
  // What the names of namespaces begin with: not those of other runs on the same server.
  virtual std::string prefix() const { return "case-"; }
  // Whether it goes with the case: nobody waits for the end of the case's namespace then.
  virtual bool is_thrown_away() const { return false; }
  // Carries out a step that is no request (faults, nodes that go). Error: it can't.
  virtual Result<void> disturb(const Node& step) {
    return ApiStatus::bad_request("this world can't do that");
  }
};

}  // namespace tiphys::cases
