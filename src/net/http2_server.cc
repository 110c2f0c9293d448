#include "net/http2_server.h"

#include <algorithm>

#include "base/strings.h"
#include "net/http1_head.h"
#include "net/http2_callbacks.h"
#include "net/http2_fields.h"

namespace tiphys::net {

namespace {

constexpr size_t kFieldOverhead = 32;  // as HPACK counts
constexpr uint32_t kStreamWindowBytes = 256 * 1024;
constexpr int32_t kConnectionWindowBytes = 1024 * 1024;
constexpr int32_t kCrumbBytes = 32;
// Heads held at one time for the streams of one connection. HPACK makes 4 KiB out of one byte
// (CVE-2016-6581), so what comes in bounds nothing.
constexpr size_t kMaxHeldHeadBytes = 4 * 1024 * 1024;

}  // namespace

Http2Server::Http2Server(ServerConnection& connection)
    : connection_(connection),
      core_(connection.core()),
      budget_(core_.loop.mono()),
      idle_since_(core_.now) {
  session_ = make_server_session(this);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, core_.limits.max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(core_.limits.max_header_bytes)},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
}

Http2Server::~Http2Server() { nghttp2_session_del(session_); }

void Http2Server::on_input(std::string_view bytes) {
  if (in_head_) {
    head_bytes_in_ += bytes.size();
    // Endless CONTINUATION frames (CVE-2023-45288): no header block is that long.
    if (head_bytes_in_ > 2 * core_.limits.max_header_bytes) return fail(NGHTTP2_ENHANCE_YOUR_CALM);
  }
  auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  ssize_t n = nghttp2_session_mem_recv(session_, data, bytes.size());
  // A flood of what we must answer, or memory: nothing more to say.
  if (n < 0 && !failing_) fail(NGHTTP2_INTERNAL_ERROR);
}

void Http2Server::fail(uint32_t error_code) {
  failing_ = true;
  nghttp2_session_terminate_session(session_, error_code);
}

void Http2Server::charge(int64_t cost) {
  if (failing_ || budget_.charge(core_.loop.mono(), cost)) return;
  fail(NGHTTP2_ENHANCE_YOUR_CALM);
}

Http2Stream* Http2Server::find(int32_t id) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

int Http2Server::on_begin_headers(const nghttp2_frame& frame) {
  in_head_ = !(frame.hd.flags & NGHTTP2_FLAG_END_HEADERS);
  head_bytes_in_ = 0;
  head_since_ = core_.now;
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  if (failing_ || streams_.size() >= 2 * core_.limits.max_concurrent_streams) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  auto stream = std::make_shared<Http2Stream>(core_.loop, this);
  stream->id = frame.hd.stream_id;
  stream->since = core_.now;
  stream->index = streams_.size();
  nghttp2_session_set_stream_user_data(session_, stream->id, stream.get());
  ++receiving_;
  streams_.push_back(std::move(stream));
  return 0;
}

// False: the head has become too large for the stream or with the others that are held.
bool Http2Server::hold_field(Http2Stream& stream, size_t bytes) {
  stream.header_bytes += bytes;
  if (stream.header_bytes > core_.limits.max_header_bytes ||
      stream.request.headers.entries().size() >= kMaxHeaderCount ||
      held_head_bytes_ + bytes > kMaxHeldHeadBytes ||
      core_.held_body_bytes + bytes > kMaxHeldBodyBytes) {
    stream.header_bytes = core_.limits.max_header_bytes + 1;
    stream.request.headers = {};
    if (++stream.surplus_fields % kMaxHeaderCount == 0) charge(kBadHeadCost);
    return false;
  }
  stream.held_head += bytes;
  held_head_bytes_ += bytes;
  stream.held += bytes;
  core_.held_body_bytes += bytes;
  return true;
}

void Http2Server::on_header(Http2Stream& stream, std::string_view name, std::string_view value) {
  Request& request = stream.request;
  if (!hold_field(stream, name.size() + value.size() + kFieldOverhead)) return;
  if (name[0] != ':') {
    if (name == "host" && request.authority.empty()) request.authority = value;
    request.headers.add(name, value);
  } else if (name == ":path") {
    size_t question = value.find('?');
    request.path = value.substr(0, question);
    if (question != std::string_view::npos) request.query = value.substr(question + 1);
  } else if (name == ":method") {
    request.method = value;
  } else if (name == ":authority") {
    request.authority = value;
  }
}

void Http2Server::on_request_headers(Http2Stream& stream, bool end) {
  const Headers& headers = stream.request.headers;
  if (stream.header_bytes > core_.limits.max_header_bytes) {
    charge(kBadHeadCost);
    return refuse(stream, 431, "request header fields too large");
  }
  bool rooted = stream.request.path.starts_with('/') ||
                (stream.request.path == "*" && stream.request.method == "OPTIONS");
  if (!rooted) return refuse(stream, 400, "malformed request target");
  if (end) return end_body(stream);
  bool streamed =
      core_.limits.streams_body && core_.limits.streams_body(stream.request.path, headers);
  auto length = parse_uint(headers.get("content-length"));
  if (!streamed && length && *length > core_.limits.max_body_bytes) {
    return refuse_body(stream);
  }
  if (headers.get("expect") == "100-continue") {
    nghttp2_nv status = borrowed_field(":status", "100");
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1, nullptr);
  }
  if (streamed) start_upload(stream);
}

void Http2Server::on_frame(const nghttp2_frame& frame) {
  bool end = frame.hd.flags & NGHTTP2_FLAG_END_STREAM;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS: {
      in_head_ = false;
      Http2Stream* stream = find(frame.hd.stream_id);
      if (!stream || stream->refused) return;
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        on_request_headers(*stream, end);
      } else if (end) {
        end_body(*stream);
      }
      return;
    }
    case NGHTTP2_DATA: {
      Http2Stream* stream = find(frame.hd.stream_id);
      if (frame.hd.length == 0 && !end) charge();
      if (stream && end) end_body(*stream);
      return;
    }
    case NGHTTP2_WINDOW_UPDATE:
      // Windows opened by crumbs make us send crumbs (CVE-2019-9511).
      if (frame.window_update.window_size_increment < kCrumbBytes) charge();
      return;
    default:
      return charge();  // PING, SETTINGS, RST_STREAM, PRIORITY, GOAWAY
  }
}

void Http2Server::on_data(Http2Stream& stream, std::string_view bytes) {
  if (stream.refused || !stream.receiving) return;
  if (stream.upload) {
    stream.since = core_.now;
    return stream.upload->push(bytes);
  }
  nghttp2_session_consume_stream(session_, stream.id, bytes.size());
  std::string& body = stream.request.body;
  if (body.size() + bytes.size() > core_.limits.max_body_bytes) {
    refuse_body(stream);
  } else if (core_.held_body_bytes + bytes.size() > kMaxHeldBodyBytes) {
    refuse(stream, 503, "too many request bodies at one time");
  } else {
    body += bytes;
    stream.held += bytes.size();
    core_.held_body_bytes += bytes.size();
  }
}

void Http2Server::start_exchange(Http2Stream& stream) {
  // Handlers of streams that the client reset still count: rapid reset gains nothing.
  if (stopping_ || running_ >= core_.limits.max_concurrent_streams) {
    stop_receiving(stream);
    cut_off(stream);
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_REFUSED_STREAM);
    return;
  }
  Request& request = stream.request;
  request.remote_address = connection_.remote_address();
  request.peer_certificate = connection_.peer_certificate();
  request.gone = stream.gone.token();
  stream.bodiless = request.method == "HEAD";
  ++running_;
  core_.gate.spawn(run_exchange(core_, streams_[stream.index]));
}

void Http2Server::refuse(Http2Stream& stream, int status, std::string_view why) {
  stream.refused = true;
  stop_receiving(stream);
  release(stream);
  stream.request = {};
  stream.response.status = status;
  stream.response.headers.add("content-type", "text/plain; charset=utf-8");
  stream.response.body = std::make_shared<const std::string>(std::string(why) + "\n");
  submit(stream);
}

void Http2Server::refuse_body(Http2Stream& stream) {
  if (!core_.limits.too_large_to_handler) return refuse(stream, 413, "request body too large");
  stream.refused = true;
  release(stream);
  stream.request.body = {};
  stream.request.body_too_large = true;
  stop_receiving(stream);
  start_exchange(stream);
}

void Http2Server::stop_receiving(Http2Stream& stream) {
  if (std::exchange(stream.receiving, false)) --receiving_;
}

// The handler starts with the head; windows open as it takes the body.
void Http2Server::start_upload(Http2Stream& stream) {
  stream.upload = std::make_shared<RequestBody>(core_.loop);
  stream.upload->on_taken = [this, &stream](size_t bytes) {
    stream.since = core_.now;
    nghttp2_session_consume_stream(session_, stream.id, bytes);
    connection_.flush_soon();
  };
  stream.request.body_stream = RequestBody::stream(stream.upload);
  start_exchange(stream);
}

void Http2Server::end_body(Http2Stream& stream) {
  if (stream.refused || !stream.receiving) return;
  stop_receiving(stream);
  if (stream.upload) return stream.upload->end();
  start_exchange(stream);
}

void Http2Server::cut_off(Http2Stream& stream) {
  if (!stream.upload) return;
  stream.upload->on_taken = nullptr;
  stream.upload->fail(ApiStatus::service_unavailable("unexpected EOF"));
}

void Http2Server::respond(Exchange& exchange) {
  auto& stream = static_cast<Http2Stream&>(exchange);
  release(stream);
  if (!stream.open || failing_) return;
  submit(stream);
  connection_.flush_soon();
}

// A refused request may still be coming in: end its stream once the answer is out.
void Http2Server::on_sent(const nghttp2_frame& frame) {
  // A peer that makes us reset its streams does as if it had reset them (CVE-2025-8671).
  if (frame.hd.type == NGHTTP2_RST_STREAM) return charge();
  bool ends = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!ends || !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM)) return;
  Http2Stream* stream = find(frame.hd.stream_id);
  if (!stream || (!stream->refused && !stream->receiving)) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
}

void Http2Server::on_stream_close(Http2Stream& stream) {
  stream.open = false;
  stop_receiving(stream);
  cut_off(stream);
  release(stream);
  if (stream.running) {
    stream.gone.request_stop();
    stream.chunk.reset();
    stream.drained.set();
  } else {
    remove(stream);
  }
}

void Http2Server::release(Http2Stream& stream) {
  core_.held_body_bytes -= std::exchange(stream.held, 0);
}

void Http2Server::remove(Http2Stream& stream) {
  held_head_bytes_ -= std::exchange(stream.held_head, 0);
  size_t index = stream.index;
  if (index + 1 != streams_.size()) {
    std::swap(streams_[index], streams_.back());
    streams_[index]->index = index;
  }
  std::shared_ptr<Http2Stream> last = std::move(streams_.back());
  streams_.pop_back();
  last->sink = nullptr;
  if (streams_.empty()) idle_since_ = core_.now;
  if (stopping_) connection_.flush_soon();
}

void Http2Server::on_closed() {
  for (auto& stream : std::exchange(streams_, {})) {
    release(*stream);
    cut_off(*stream);
    stream->open = false;
    stream->detach();
  }
}

void Http2Server::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  int32_t last = nghttp2_session_get_last_proc_stream_id(session_);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  for (auto& stream : std::vector(streams_)) {
    if (stream->streaming) stream->gone.request_stop();
  }
  connection_.flush_soon();
}

void Http2Server::cancel_all() {
  for (auto& stream : std::vector(streams_)) stream->gone.request_stop();
}

// A stream whose request doesn't come to its end, or whose answer isn't taken (a window that stays
// closed, CVE-2019-9517), is reset; the rest of the connection goes on.
bool Http2Server::on_tick(MonoTime now) {
  if (streams_.empty()) return now - idle_since_ <= core_.limits.idle_timeout;
  if (in_head_ && now - head_since_ > core_.limits.header_timeout) return false;
  for (auto& stream : streams_) {
    if (!stream->open) continue;
    bool waits = stream->upload ? stream->upload->starved() : stream->receiving;
    bool slow = waits && now - stream->since > core_.limits.body_timeout;
    bool stalled = stream->chunk && now - stream->progress_at > core_.limits.idle_timeout;
    if (!slow && !stalled) continue;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
    connection_.flush_soon();
  }
  return true;
}

std::unique_ptr<ServerProtocol> make_http2_server(ServerConnection& connection) {
  return std::make_unique<Http2Server>(connection);
}

}  // namespace tiphys::net
