// WireStream: a Wire as the ByteStream that an upgrade leaves. Loop thread only.
//
// Reads and writes in progress end with an error after close(). Destroying it closes.
#pragma once
#include <memory>

#include "async/epoll_loop.h"
#include "net/http.h"
#include "net/output.h"
#include "net/wire.h"

namespace tiphys::net {

class WireStream : public ByteStream {
 public:
  struct State;
  // `early`: bytes that were read already. `output`: what is still to be written first.
  // `pool`: where the output's buffers come from, if the stream may outlive who else holds it.
  WireStream(EpollLoop& loop, Wire wire, std::string early, Output output,
             std::shared_ptr<BufferPool> pool = nullptr);
  ~WireStream() override;
  Task<Result<std::string>> read(size_t max_bytes, StopToken stop) override;
  Task<Result<void>> write(std::string bytes, StopToken stop) override;
  void close() override;
  void on_hang_up(std::function<void()> callback) override;
  // Puts bytes back in front of what read() gives.
  void unread(std::string bytes);
  // True if it is open and the peer sent nothing since: fit to be used again.
  bool quiet() const;
  // So that an owner can close it from outside.
  std::weak_ptr<State> state() const { return state_; }
  static void close_state(State& state);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tiphys::net
