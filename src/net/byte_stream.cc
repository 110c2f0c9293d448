#include "net/byte_stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace tiphys::net {

namespace {
constexpr size_t kMaxReadBytes = 64 * 1024;
// Read without a wait before others get their turn; a small read costs as much as some bytes.
constexpr size_t kBytesPerTurn = 256 * 1024;
constexpr size_t kReadCost = 1024;
}  // namespace

struct WireStream::State {
  State(EpollLoop& l, Wire w, std::string e, Output o, std::shared_ptr<BufferPool> p)
      : loop(l),
        pool(std::move(p)),
        wire(std::move(w)),
        early(std::move(e)),
        output(std::move(o)),
        readable(l),
        writable(l) {}
  EpollLoop& loop;
  std::shared_ptr<BufferPool> pool;
  Wire wire;
  std::string early;
  Output output;
  Event readable;
  Event writable;
  size_t turn = 0;  // read since others ran
  bool closed = false;
  bool hung_up = false;
  std::function<void()> on_hang_up;
};

namespace {

ApiStatus broken(const Wire& wire) {
  return ApiStatus::service_unavailable("connection broken: " + wire.error());
}
ApiStatus closed() { return ApiStatus::service_unavailable("use of closed network connection"); }

Task<Result<std::string>> read_some(std::shared_ptr<WireStream::State> state, size_t max_bytes,
                                    StopToken stop) {
  size_t size = std::min(std::max<size_t>(max_bytes, 1), kMaxReadBytes);
  if (state->turn >= kBytesPerTurn) {
    state->turn = 0;
    co_await yield(state->loop);
  }
  while (!state->closed) {
    if (!state->early.empty()) {
      std::string bytes = state->early.substr(0, size);
      state->early.erase(0, bytes.size());
      co_return bytes;
    }
    std::string bytes(size, '\0');
    state->readable.reset();
    ssize_t n = state->wire.read(bytes.data(), size);
    if (n == Wire::kBroken) co_return broken(state->wire);
    if (n >= 0) {
      bytes.resize(static_cast<size_t>(n));
      state->turn += bytes.size() + kReadCost;
      co_return bytes;
    }
    state->turn = 0;
    bool ready = co_await state->readable.wait(stop);
    if (!ready) co_return ApiStatus::stopped();
  }
  co_return closed();
}

Task<Result<void>> write_all(std::shared_ptr<WireStream::State> state, std::string bytes,
                             StopToken stop) {
  if (state->closed) co_return closed();
  state->output.append(bytes);
  while (!state->closed) {
    state->writable.reset();
    ssize_t n = state->output.write_to(state->wire);
    if (n == Wire::kEnd) co_return Result<void>();
    if (n == Wire::kBroken) co_return broken(state->wire);
    bool ready = co_await state->writable.wait(stop);
    if (!ready) co_return ApiStatus::stopped();
  }
  co_return closed();
}

}  // namespace

WireStream::WireStream(EpollLoop& loop, Wire wire, std::string early, Output output,
                       std::shared_ptr<BufferPool> pool)
    : state_(std::make_shared<State>(loop, std::move(wire), std::move(early), std::move(output),
                                     std::move(pool))) {
  std::weak_ptr<State> weak = state_;
  loop.watch(state_->wire.fd(), [weak](uint32_t events) {
    auto state = weak.lock();
    if (!state) return;
    if (events & ~static_cast<uint32_t>(EPOLLOUT)) state->readable.set();
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      state->hung_up = true;
      if (auto callback = std::exchange(state->on_hang_up, nullptr)) callback();
    }
    // TLS may need either direction for either call.
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) || state->wire.is_tls()) state->writable.set();
    if (state->wire.is_tls()) state->readable.set();
    if (state->output.pending() > 0) state->output.write_to(state->wire);
  });
  if (state_->output.pending() > 0) state_->output.write_to(state_->wire);
}

WireStream::~WireStream() { close(); }

Task<Result<std::string>> WireStream::read(size_t max_bytes, StopToken stop) {
  return read_some(state_, max_bytes, std::move(stop));
}

Task<Result<void>> WireStream::write(std::string bytes, StopToken stop) {
  return write_all(state_, std::move(bytes), std::move(stop));
}

void WireStream::on_hang_up(std::function<void()> callback) {
  if (state_->hung_up) return callback();
  state_->on_hang_up = std::move(callback);
}

void WireStream::unread(std::string bytes) { state_->early.insert(0, bytes); }

bool WireStream::quiet() const {
  if (state_->closed) return false;
  char byte;
  ssize_t n = ::recv(state_->wire.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && errno == EAGAIN;
}

void WireStream::close() { close_state(*state_); }

void WireStream::close_state(State& state) {
  if (state.closed) return;
  state.closed = true;
  state.on_hang_up = nullptr;
  state.loop.unwatch(state.wire.fd());
  state.output.write_to(state.wire);
  state.wire.close();
  state.readable.set();
  state.writable.set();
}

}  // namespace tiphys::net
