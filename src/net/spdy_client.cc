#include "net/spdy_client.h"

#include "async/deadline.h"

namespace tiphys::net {
namespace {

constexpr size_t kReadBytes = 32 * 1024;

}  // namespace

SpdyClient::SpdyClient(Loop& loop, std::unique_ptr<ByteStream> stream)
    : loop_(loop), stream_(std::move(stream)), gate_(loop) {
  gate_.spawn(keep_alive());
}

Task<void> SpdyClient::keep_alive() {
  for (uint32_t id = 1;; id += 2) {
    bool going = co_await sleep_for(loop_, kSpdyPingPeriod, stop_.token());
    if (!going) break;
    Result<void> sent = co_await stream_->write(spdy_ping(id), stop_.token());
    if (!sent) break;
  }
}

// Beside the reader: a peer that takes nothing must not keep us from reading. One frame at a time,
// so that a flood costs nothing: the others go unanswered.
Task<void> SpdyClient::answer_ping(uint32_t id) {
  answering_ = true;
  Result<void> sent = co_await stream_->write(spdy_ping(id), stop_.token());
  (void)sent;
  answering_ = false;
}

Task<void> SpdyClient::refuse(uint32_t stream) {
  answering_ = true;
  Result<void> sent =
      co_await stream_->write(spdy_reset(stream, SpdyReset::kRefusedStream), stop_.token());
  (void)sent;
  answering_ = false;
}

Task<Result<std::optional<SpdyFrame>>> SpdyClient::read_frame(StopToken stop) {
  while (true) {
    Result<std::optional<SpdyFrame>> frame = reader_.next();
    if (!frame) co_return frame.error();
    if (!*frame) {
      Result<std::string> bytes = co_await stream_->read(kReadBytes, stop);
      if (!bytes) co_return bytes.error();
      if (bytes->empty()) co_return std::nullopt;
      reader_.add(*bytes);
      continue;
    }
    SpdyType type = (*frame)->type;
    // Those with even numbers are the peer's own.
    bool of_peer = (*frame)->number % 2 == 0;
    if (type == SpdyType::kGoAway) co_return std::nullopt;
    if (type == SpdyType::kPing && of_peer && !answering_) {
      gate_.spawn(answer_ping((*frame)->number));
    }
    if (type == SpdyType::kSynStream && !answering_) gate_.spawn(refuse((*frame)->stream));
    bool ours = open_.contains((*frame)->stream);
    if (!ours || type == SpdyType::kPing || type == SpdyType::kSynStream) continue;
    if ((*frame)->fin || type == SpdyType::kRstStream) open_.erase((*frame)->stream);
    co_return std::move(frame);
  }
}

Task<Result<uint32_t>> SpdyClient::open(Headers headers, StopToken stop) {
  uint32_t id = std::exchange(next_id_, next_id_ + 2);
  Result<std::string> syn = writer_.syn_stream(id, headers);
  if (!syn) co_return syn.error();
  open_.insert(id);
  Deadline limit(loop_, kSpdyReplyTimeout, stop);
  Result<void> sent = co_await stream_->write(std::move(*syn), limit.token());
  if (!sent && !limit.passed()) co_return sent.error();
  while (true) {
    Result<std::optional<SpdyFrame>> frame = co_await read_frame(limit.token());
    if (limit.passed()) co_return ApiStatus::timeout("timeout occurred");
    if (!frame) co_return frame.error();
    if (!*frame) co_return ApiStatus::service_unavailable("unexpected EOF");
    bool of_this = (*frame)->stream == id;
    if (of_this && (*frame)->type == SpdyType::kRstStream) {
      co_return ApiStatus::service_unavailable("stream reset");
    }
    if (of_this && (*frame)->type == SpdyType::kSynReply) {
      if ((*frame)->fin) early_.push_back(SpdyFrame{.stream = id, .fin = true});
      co_return id;
    }
    early_.push_back(std::move(**frame));
    if (early_.size() > kMaxSpdyEarlyFrames) {
      co_return ApiStatus::bad_request("spdy: too many frames before a reply");
    }
  }
}

Task<Result<void>> SpdyClient::send(uint32_t stream, std::string bytes, bool fin, StopToken stop) {
  co_return co_await stream_->write(spdy_data(stream, bytes, fin), std::move(stop));
}

Task<Result<std::optional<SpdyFrame>>> SpdyClient::next(StopToken stop) {
  while (true) {
    std::optional<SpdyFrame> frame;
    if (!early_.empty()) {
      frame = std::move(early_.front());
      early_.pop_front();
    } else {
      Result<std::optional<SpdyFrame>> read = co_await read_frame(stop);
      if (!read || !*read) co_return std::move(read);
      frame = std::move(*read);
    }
    bool told = frame->type == SpdyType::kData || frame->type == SpdyType::kRstStream;
    if (told) co_return std::move(frame);
    // HEADERS and late replies matter by their end alone.
    if (frame->fin) co_return SpdyFrame{.stream = frame->stream, .fin = true};
  }
}

void SpdyClient::interrupt() {
  stop_.request_stop();
  stream_->close();
}

Task<void> SpdyClient::close() {
  interrupt();
  co_await gate_.close();
}

}  // namespace tiphys::net
