// World: a whole API server process (src/main's wiring, embedded store in a folder of its own) that
// the cases' requests go to without a socket, and that can be stopped and opened again.
//
// Real time. One thread. Every call ends the test program after a minute without an end.
#pragma once
#include <memory>
#include <string>

#include "main/api_server_process.h"
#include "main/host.h"
#include "tests/suites/store/harness.h"

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
  World();
  ~World();
  // Stops the API server and opens a new one on what the store holds.
  void restart();
  // Sends a request as it is. Of a stream it reads until `enough` (null: never) says that the text
  // so far is enough, or the stream ends, or `limit` passes.
  Reply send(net::Request request, std::function<bool(std::string_view)> enough = nullptr,
             Duration limit = std::chrono::seconds(10));

 private:
  void start();
  void stop();
  template <class T>
  T run(Task<T> task);
  Task<Reply> exchange(net::Request request, std::function<bool(std::string_view)> enough,
                       Duration limit);

  tests::TemporaryDirectory folder_;
  Host host_;
  std::unique_ptr<ApiServerProcess> process_;
};

}  // namespace tiphys::cases
