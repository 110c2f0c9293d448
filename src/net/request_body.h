// RequestBody: a request's body on its way from the connection to the handler, where it isn't held
// whole. Shared by both; either may go first. Loop thread only. Internal to net/.
//
// Holds about kMaxBufferedBody: the connection asks full() before it reads on, and goes on when
// on_taken is called.
#pragma once
#include <functional>
#include <memory>

#include "net/http.h"

namespace tiphys::net {

inline constexpr size_t kMaxBufferedBody = 256 * 1024;

class RequestBody {
 public:
  explicit RequestBody(Loop& loop) : readable_(loop) {}

  // ---- the connection's side ----
  void push(std::string_view bytes);
  void end();
  // It broke off: the handler gets the error after what came. Nothing if it ended.
  void fail(ApiStatus why);
  bool full() const { return buffer_.size() >= kMaxBufferedBody; }
  // The handler waits for bytes that the client doesn't send.
  bool starved() const { return buffer_.empty() && !over_ && !dropped_; }
  bool over() const { return over_; }
  // Called with the number of bytes that the handler took, or won't take.
  std::function<void(size_t)> on_taken;

  // ---- the handler's side ----
  // Destroying the stream discards what comes from then on.
  static std::unique_ptr<BodyStream> stream(std::shared_ptr<RequestBody> body);

 private:
  class Stream;
  void drop();
  void took(size_t bytes);

  std::string buffer_;
  std::optional<ApiStatus> error_;
  bool over_ = false;     // nothing comes any more
  bool dropped_ = false;  // nobody reads
  Event readable_;
};

}  // namespace tiphys::net
