// The answers of an HTTP/2 connection: heads, data as windows allow, trailers.
#include <algorithm>

#include "net/http1_head.h"
#include "net/http2_callbacks.h"
#include "net/http2_fields.h"
#include "net/http2_server.h"

namespace tiphys::net {
void Http2Server::submit(Http2Stream& stream) {
  Response& response = stream.response;
  // 101 and the like don't exist here: the handler meant an upgrade.
  if (response.status < 200) response = Response{.status = 501};
  bool whole = !response.stream;
  size_t length = response.body ? response.body->size() : 0;
  bool may_have_body = response.status != 204 && response.status != 304;
  fields_.clear();
  std::snprintf(stream.status_text, sizeof stream.status_text, "%d", response.status);
  fields_.push_back(borrowed_field(":status", stream.status_text));
  for (const auto& [name, value] : response.headers.entries()) {
    if (is_connection_field(name) || !is_safe_header(name, value)) continue;
    fields_.push_back(borrowed_field(name, value));
  }
  if (whole && may_have_body) {
    std::snprintf(stream.length_text, sizeof stream.length_text, "%zu", length);
    fields_.push_back(borrowed_field("content-length", stream.length_text));
  }
  fields_.push_back(borrowed_field("date", core_.date()));
  fields_.back().flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;  // it changes every second
  if (whole) {
    stream.chunk = response.body;
    stream.ended = true;
  }
  stream.progress_at = core_.now;
  bool body = may_have_body && !stream.bodiless && (!whole || length > 0);
  nghttp2_data_provider provider{{.ptr = &stream}, provide_answer};
  int sent = nghttp2_submit_response(session_, stream.id, fields_.data(), fields_.size(),
                                     body ? &provider : nullptr);
  if (sent != 0) fail(NGHTTP2_INTERNAL_ERROR);
}

void Http2Server::chunk_ready(Exchange& exchange) {
  auto& stream = static_cast<Http2Stream&>(exchange);
  if (!stream.open || failing_) return stream.drained.set();
  stream.progress_at = core_.now;
  nghttp2_session_resume_data(session_, stream.id);
  connection_.flush_soon();
}

void Http2Server::stream_ended(Exchange& exchange, bool failed) {
  auto& stream = static_cast<Http2Stream&>(exchange);
  if (!stream.open) return;
  stream.ended = true;
  if (failed) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_INTERNAL_ERROR);
  } else {
    nghttp2_session_resume_data(session_, stream.id);
  }
  connection_.flush_soon();
}

void Http2Server::finished(Exchange& exchange) {
  auto& stream = static_cast<Http2Stream&>(exchange);
  --running_;
  if (!stream.open) remove(stream);
}

ssize_t Http2Server::provide(Http2Stream& stream, size_t length, uint32_t* flags) {
  size_t left = stream.chunk ? stream.chunk->size() - stream.offset : 0;
  if (left == 0 && !stream.ended) return NGHTTP2_ERR_DEFERRED;
  size_t n = std::min(left, length);
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream.ended && n == left) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    submit_trailers(stream, flags);
  }
  return static_cast<ssize_t>(n);
}

void Http2Server::submit_trailers(Http2Stream& stream, uint32_t* flags) {
  const Headers* trailers = stream.response.stream ? stream.response.stream->trailers() : nullptr;
  if (!trailers) return;
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : trailers->entries())
    fields.push_back(borrowed_field(name, value));
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  nghttp2_submit_trailer(session_, stream.id, fields.data(), fields.size());
}

int Http2Server::send_data(Http2Stream& stream, const uint8_t* frame_head, size_t length) {
  if (connection_.output().pending() >= kOutputHighBytes) return NGHTTP2_ERR_WOULDBLOCK;
  std::string& out = connection_.output().text();
  constexpr size_t kFrameHeadBytes = 9;
  out.append(reinterpret_cast<const char*>(frame_head), kFrameHeadBytes);
  if (length > 0) out.append(*stream.chunk, stream.offset, length);
  connection_.output().added(kFrameHeadBytes + length);
  stream.progress_at = core_.now;
  stream.offset += length;
  if (stream.chunk && stream.offset == stream.chunk->size()) {
    stream.chunk.reset();
    stream.offset = 0;
    stream.drained.set();
  }
  return 0;
}

// True if there may be more than what went in.
bool Http2Server::fill_output() {
  Output& output = connection_.output();
  while (output.pending() < kOutputHighBytes) {
    const uint8_t* bytes = nullptr;
    ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n < 0) connection_.close();
    if (n < 0) return false;
    if (n == 0) break;
    output.append(bytes_view(bytes, static_cast<size_t>(n)));
  }
  return output.pending() >= kOutputHighBytes;
}

void Http2Server::on_flush() {
  bool more = true;
  while (more) {
    more = fill_output();
    if (connection_.closed()) return;
    if (!connection_.write_output() && !failing_) return;
    if (failing_) return connection_.close();
  }
  bool done = !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
  if (done) connection_.close();
}

}  // namespace tiphys::net
