// SpdyFilter: a SPDY/3.1 client's connection whose bytes are safe to pass on to a less careful
// server: what is read are frames made anew of those that came, within the limits of SpdyReader and
// kMaxSpdyStreams. Loop thread only.
#pragma once
#include <memory>
#include <set>

#include "net/spdy_frames.h"

namespace tiphys::net {

inline constexpr size_t kMaxSpdyStreams = 2000;  // that the client has not ended, at one time

class SpdyFilter : public ByteStream {
 public:
  explicit SpdyFilter(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}
  // Error: BadRequest, the client broke the protocol or a limit.
  Task<Result<std::string>> read(size_t max_bytes, StopToken stop) override;
  Task<Result<void>> write(std::string bytes, StopToken stop) override {
    co_return co_await stream_->write(std::move(bytes), std::move(stop));
  }
  void close() override { stream_->close(); }
  void on_hang_up(std::function<void()> callback) override {
    stream_->on_hang_up(std::move(callback));
  }

 private:
  Result<std::string> clean(const SpdyFrame& frame);

  std::unique_ptr<ByteStream> stream_;
  SpdyReader reader_;
  SpdyWriter writer_;
  std::set<uint32_t> open_;
  std::string ready_;
};

}  // namespace tiphys::net
