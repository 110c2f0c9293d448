#include "net/spdy_filter.h"

namespace tiphys::net {

// Types that no client of a streaming server has a use for are left out.
Result<std::string> SpdyFilter::clean(const SpdyFrame& frame) {
  if (frame.fin || frame.type == SpdyType::kRstStream) open_.erase(frame.stream);
  switch (frame.type) {
    case SpdyType::kSynStream:
      if (!frame.fin) open_.insert(frame.stream);
      if (open_.size() > kMaxSpdyStreams) return ApiStatus::bad_request("spdy: too many streams");
      return writer_.syn_stream(frame.stream, frame.headers, frame.fin);
    case SpdyType::kData:
      return spdy_data(frame.stream, frame.data, frame.fin);
    case SpdyType::kRstStream:
      return spdy_reset(frame.stream, SpdyReset::kCancel);
    case SpdyType::kHeaders:
      return frame.fin ? spdy_data(frame.stream, "", true) : "";
    case SpdyType::kPing:
      return spdy_ping(frame.number);
    case SpdyType::kGoAway:
      return spdy_go_away(frame.stream);
    default:
      return "";
  }
}

Task<Result<std::string>> SpdyFilter::read(size_t max_bytes, StopToken stop) {
  while (ready_.empty()) {
    Result<std::optional<SpdyFrame>> frame = reader_.next();
    if (!frame) co_return frame.error();
    if (*frame) {
      Result<std::string> bytes = clean(**frame);
      if (!bytes) co_return bytes.error();
      ready_ = std::move(*bytes);
      continue;
    }
    Result<std::string> bytes = co_await stream_->read(max_bytes, stop);
    if (!bytes || bytes->empty()) co_return std::move(bytes);
    reader_.add(*bytes);
  }
  std::string out = ready_.substr(0, max_bytes);
  ready_.erase(0, out.size());
  co_return out;
}

}  // namespace tiphys::net
