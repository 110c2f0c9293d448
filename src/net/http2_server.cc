#include "net/http2_server.h"

#include <algorithm>

#include "base/strings.h"
#include "net/http1_head.h"

namespace tiphys::net {

namespace {

constexpr uint32_t kStreamWindowBytes = 256 * 1024;
constexpr int32_t kConnectionWindowBytes = 1024 * 1024;
constexpr int32_t kCrumbBytes = 32;
constexpr int64_t kBadHeadCost = 20;  // glitches: reading it took us long
constexpr size_t kMaxSentHeaderBytes = 256 * 1024;

nghttp2_nv field(std::string_view name, std::string_view value) {
  // Both outlive the frame: they live in the stream, or are constants.
  constexpr uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          kNoCopy};
}

bool is_connection_field(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
         name == "upgrade" || name == "proxy-connection" || name == "content-length";
}

std::string_view view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// What nghttp2 calls: each finds the server and its stream, no more.
struct Http2Callbacks {
  static Http2Server& server(void* user) { return *static_cast<Http2Server*>(user); }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    if (head->type != NGHTTP2_CONTINUATION) server(user).in_head_ = false;
    return 0;
  }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return server(user).on_begin_headers(*frame);
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    Http2Stream* stream = server(user).find(frame->hd.stream_id);
    // Trailers of a request are dropped.
    if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    server(user).on_header(*stream, view(name, name_size), view(value, value_size));
    return 0;
  }
  // nghttp2 would drop the field and go on; a request with one is refused as a whole.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                            const uint8_t*, size_t, uint8_t, void* user) {
    server(user).charge(kBadHeadCost);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    server(user).on_frame(*frame);
    return 0;
  }
  static int data_chunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                        void* user) {
    if (Http2Stream* stream = server(user).find(id)) {
      server(user).on_data(*stream, view(data, size));
    }
    return 0;
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    server(user).on_sent(*frame);
    return 0;
  }
  static int stream_close(nghttp2_session*, int32_t id, uint32_t, void* user) {
    if (Http2Stream* stream = server(user).find(id)) server(user).on_stream_close(*stream);
    return 0;
  }
  static ssize_t provide(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                         nghttp2_data_source* source, void* user) {
    return server(user).provide(*static_cast<Http2Stream*>(source->ptr), length, flags);
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t length,
                       nghttp2_data_source* source, void* user) {
    return server(user).send_data(*static_cast<Http2Stream*>(source->ptr), head, length);
  }

  static nghttp2_session* make_session(Http2Server* user) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, kMaxSentHeaderBytes);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new2(&session, callbacks, user, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
};

Http2Server::Http2Server(ServerConnection& connection)
    : connection_(connection),
      core_(connection.core()),
      budget_(core_.loop.mono()),
      idle_since_(core_.now) {
  session_ = Http2Callbacks::make_session(this);
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

void Http2Server::on_header(Http2Stream& stream, std::string_view name, std::string_view value) {
  stream.header_bytes += name.size() + value.size() + 32;
  Request& request = stream.request;
  if (stream.header_bytes > core_.limits.max_header_bytes ||
      request.headers.entries().size() >= kMaxHeaderCount) {
    stream.header_bytes = core_.limits.max_header_bytes + 1;
    return;
  }
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
  if (end) return start_exchange(stream);
  auto length = parse_uint(headers.get("content-length"));
  if (length && *length > core_.limits.max_body_bytes) {
    return refuse_body(stream);
  }
  if (headers.get("expect") == "100-continue") {
    nghttp2_nv status = field(":status", "100");
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1, nullptr);
  }
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
        start_exchange(*stream);
      }
      return;
    }
    case NGHTTP2_DATA: {
      Http2Stream* stream = find(frame.hd.stream_id);
      if (frame.hd.length == 0 && !end) charge();
      if (stream && end && !stream->refused) start_exchange(*stream);
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
  if (!stream.receiving) return;
  stream.receiving = false;
  --receiving_;
  // Handlers of streams that the client reset still count: rapid reset gains nothing.
  if (stopping_ || running_ >= core_.limits.max_concurrent_streams) {
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
  answer_early(stream, status, "text/plain; charset=utf-8", std::string(why) + "\n");
}

void Http2Server::refuse_body(Http2Stream& stream) {
  answer_early(stream, 413, core_.limits.too_large_type, core_.limits.too_large_text);
}

void Http2Server::answer_early(Http2Stream& stream, int status, std::string_view type,
                               std::string text) {
  stream.refused = true;
  if (stream.receiving) --receiving_;
  stream.receiving = false;
  release(stream);
  stream.request = {};
  stream.response.status = status;
  stream.response.headers.add("content-type", type);
  stream.response.body = std::make_shared<const std::string>(std::move(text));
  submit(stream);
}

void Http2Server::respond(Exchange& exchange) {
  auto& stream = static_cast<Http2Stream&>(exchange);
  release(stream);
  if (!stream.open || failing_) return;
  submit(stream);
  connection_.flush_soon();
}

void Http2Server::submit(Http2Stream& stream) {
  Response& response = stream.response;
  // 101 and the like don't exist here: the handler meant an upgrade.
  if (response.status < 200) response = Response{.status = 501};
  bool whole = !response.stream;
  size_t length = response.body ? response.body->size() : 0;
  bool may_have_body = response.status != 204 && response.status != 304;
  fields_.clear();
  std::snprintf(stream.status_text, sizeof stream.status_text, "%d", response.status);
  fields_.push_back(field(":status", stream.status_text));
  for (const auto& [name, value] : response.headers.entries()) {
    if (is_connection_field(name) || !is_safe_header(name, value)) continue;
    fields_.push_back(field(name, value));
  }
  if (whole && may_have_body) {
    std::snprintf(stream.length_text, sizeof stream.length_text, "%zu", length);
    fields_.push_back(field("content-length", stream.length_text));
  }
  fields_.push_back(field("date", core_.date()));
  fields_.back().flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;  // it changes every second
  if (whole) {
    stream.chunk = response.body;
    stream.ended = true;
  }
  stream.progress_at = core_.now;
  bool body = may_have_body && !stream.bodiless && (!whole || length > 0);
  nghttp2_data_provider provider{{.ptr = &stream}, Http2Callbacks::provide};
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
  for (const auto& [name, value] : trailers->entries()) fields.push_back(field(name, value));
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

// A refused request may still be coming in: end its stream once the answer is out.
void Http2Server::on_sent(const nghttp2_frame& frame) {
  // A peer that makes us reset its streams does as if it had reset them (CVE-2025-8671).
  if (frame.hd.type == NGHTTP2_RST_STREAM) return charge();
  bool ends = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!ends || !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM)) return;
  Http2Stream* stream = find(frame.hd.stream_id);
  if (!stream || !stream->refused) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
}

void Http2Server::on_stream_close(Http2Stream& stream) {
  stream.open = false;
  if (stream.receiving) --receiving_;
  stream.receiving = false;
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

// True if there may be more than what went in.
bool Http2Server::fill_output() {
  Output& output = connection_.output();
  while (output.pending() < kOutputHighBytes) {
    const uint8_t* bytes = nullptr;
    ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n < 0) connection_.close();
    if (n < 0) return false;
    if (n == 0) break;
    output.append(view(bytes, static_cast<size_t>(n)));
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

void Http2Server::on_closed() {
  for (auto& stream : std::exchange(streams_, {})) {
    release(*stream);
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
    bool slow = stream->receiving && now - stream->since > core_.limits.body_timeout;
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
