// For tests: two ends of a connection in memory, that holds a few writes each way.
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "async/channel.h"
#include "net/http.h"

namespace tiphys::net {

class PipeStream : public ByteStream {
 public:
  using Way = std::shared_ptr<Channel<std::string>>;
  static constexpr size_t kWrites = 4;  // that nobody read yet

  static std::pair<std::unique_ptr<PipeStream>, std::unique_ptr<PipeStream>> make(Loop& loop) {
    auto one = std::make_shared<Channel<std::string>>(loop, kWrites);
    auto other = std::make_shared<Channel<std::string>>(loop, kWrites);
    return {std::make_unique<PipeStream>(one, other), std::make_unique<PipeStream>(other, one)};
  }
  PipeStream(Way in, Way out) : in_(std::move(in)), out_(std::move(out)) {}
  ~PipeStream() override { close(); }

  Task<Result<std::string>> read(size_t max_bytes, StopToken stop) override {
    Way in = in_;
    if (rest_.empty()) {
      std::optional<std::string> bytes = co_await in->pop(stop);
      if (!bytes && stop.stop_requested()) co_return ApiStatus::stopped();
      if (!bytes) co_return std::string();
      rest_ = std::move(*bytes);
    }
    std::string out = rest_.substr(0, max_bytes);
    rest_.erase(0, out.size());
    co_return out;
  }
  Task<Result<void>> write(std::string bytes, StopToken stop) override {
    Way out = out_;
    if (bytes.empty()) co_return Result<void>();
    bool taken = co_await out->push(std::move(bytes), stop);
    if (taken) co_return Result<void>();
    if (stop.stop_requested()) co_return ApiStatus::stopped();
    co_return ApiStatus::service_unavailable("use of closed network connection");
  }
  void close() override {
    in_->close();
    out_->close();
  }

 private:
  Way in_;
  Way out_;
  std::string rest_;
};

}  // namespace tiphys::net
