#include "kubelet/server/log_stream.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kPoll = std::chrono::milliseconds(100);

}  // namespace

LogStream::LogStream(Loop& loop, WorkerPool& pool, LogReader reader, bool follow,
                     std::function<bool()> running, std::string path, LogOptions options)
    : loop_(loop),
      pool_(pool),
      reader_(std::make_shared<LogReader>(std::move(reader))),
      follow_(follow),
      running_(std::move(running)),
      path_(std::move(path)),
      options_(options) {}

Task<Result<net::Bytes>> LogStream::next(StopToken stop) {
  while (true) {
    std::shared_ptr<LogReader> reader = reader_;
    Result<std::string> chunk =
        co_await run_blocking(loop_, pool_, [reader] { return reader->read(); });
    if (!chunk) co_return chunk.error();
    if (!chunk->empty()) co_return std::make_shared<const std::string>(std::move(*chunk));
    if (reader_->at_limit() || !follow_ || ended_) co_return net::Bytes();
    if (reader_->was_replaced()) {
      // Once more, for what was written between the last look and the rotation.
      if (drained_) co_await reopen();
      drained_ = !drained_;
      continue;
    }
    // One more read after the end, for what was written last.
    ended_ = !running_();
    bool going = true;
    if (!ended_) going = co_await sleep_for(loop_, kPoll, stop);
    if (!going) co_return net::Bytes();
  }
}

Task<void> LogStream::reopen() {
  LogOptions rest = options_;
  rest.tail_lines.reset();
  rest.limit_bytes = reader_->bytes_left();
  std::string path = path_;
  Result<LogReader> fresh =
      co_await run_blocking(loop_, pool_, [path, rest] { return LogReader::open(path, rest); });
  if (fresh) reader_ = std::make_shared<LogReader>(std::move(*fresh));
}

}  // namespace tiphys::kubelet
