#include "net/http2_client.h"

#include "base/strings.h"
#include "net/http1_head.h"
#include "net/http2_fields.h"

namespace tiphys::net {

namespace {

constexpr uint32_t kStreamWindowBytes = 1024 * 1024;
constexpr int32_t kConnectionWindowBytes = 16 * 1024 * 1024;
constexpr size_t kReadBytes = 16 * 1024;
constexpr int kReadsPerTurn = 64;
constexpr size_t kFrameHeadBytes = 9;
constexpr size_t kGatheredBytes = 4 * 1024;

}  // namespace

struct Http2ClientCallbacks {
  static Http2Client& client(void* user) { return *static_cast<Http2Client*>(user); }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    Http2Call* call = client(user).find(frame->hd.stream_id);
    if (!call) return 0;
    bool fits =
        client(user).on_header(*call, bytes_view(name, name_size), bytes_view(value, value_size));
    // The stream is reset.
    if (!fits) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
  }
  static int frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) client(user).draining_ = true;
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (Http2Call* call = client(user).find(frame->hd.stream_id)) {
      client(user).on_headers_end(*call);
    }
    return 0;
  }
  static int data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                        size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    if (Http2Call* call = client(user).find(id))
      client(user).on_data(*call, bytes_view(data, size));
    return 0;
  }
  static int stream_close(nghttp2_session*, int32_t id, uint32_t error_code, void* user) {
    client(user).on_stream_close(id, error_code);
    return 0;
  }
  static ssize_t provide(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                         nghttp2_data_source* source, void* user) {
    return client(user).provide(*static_cast<Http2Call*>(source->ptr), length, flags);
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t length,
                       nghttp2_data_source* source, void* user) {
    return client(user).send_data(*static_cast<Http2Call*>(source->ptr), head, length);
  }

  static nghttp2_session* make_session(Http2Client* user) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new2(&session, callbacks, user, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
};

void Http2Call::end(std::optional<ApiStatus> why) {
  if (ended) return;
  ended = true;
  error = std::move(why);
  head.set();
  readable.set();
}

Http2Client::Http2Client(EpollLoop& loop, BufferPool& buffers, Wire wire, std::string scheme)
    : loop_(loop), wire_(std::move(wire)), output_(buffers), scheme_(std::move(scheme)) {
  session_ = Http2ClientCallbacks::make_session(this);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
}

Http2Client::~Http2Client() {
  if (!closed_) loop_.unwatch(wire_.fd());
  nghttp2_session_del(session_);
}

void Http2Client::start() {
  loop_.watch(wire_.fd(), [this](uint32_t) { on_ready(); });
  flush_soon();
}

bool Http2Client::usable() const {
  if (closed_ || draining_ || !nghttp2_session_check_request_allowed(session_)) return false;
  uint32_t most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return calls_.size() < most;
}

Http2Call* Http2Client::find(int32_t id) const {
  auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

bool Http2Client::submit(const std::shared_ptr<Http2Call>& call) {
  if (!usable()) return false;
  Request& request = call->request;
  call->path = request.query.empty() ? request.path : request.path + "?" + request.query;
  std::string length = std::to_string(request.body.size());
  std::vector<nghttp2_nv> fields{
      borrowed_field(":method", request.method), borrowed_field(":scheme", scheme_),
      borrowed_field(":authority", request.authority), borrowed_field(":path", call->path)};
  for (const auto& [name, value] : request.headers.entries()) {
    if (!is_connection_field(name) && name != "host") fields.push_back(borrowed_field(name, value));
  }
  bool has_body = !request.body.empty();
  if (has_body) {
    fields.push_back(borrowed_field("content-length", length));
    fields.back().flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  }
  nghttp2_data_provider provider{{.ptr = call.get()}, Http2ClientCallbacks::provide};
  int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                      has_body ? &provider : nullptr, nullptr);
  if (id < 0) {
    draining_ = true;
    return false;
  }
  call->id = id;
  call->connection = weak_from_this();
  calls_.emplace(id, call);
  flush_soon();
  return true;
}

void Http2Client::cancel(Http2Call& call) {
  if (closed_ || call.ended) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call.id, NGHTTP2_CANCEL);
  flush_soon();
}

void Http2Client::consumed(Http2Call& call, size_t bytes) {
  if (closed_ || call.ended) return;
  nghttp2_session_consume_stream(session_, call.id, bytes);
  flush_soon();
}

bool Http2Client::on_header(Http2Call& call, std::string_view name, std::string_view value) {
  call.header_bytes += name.size() + value.size() + 32;
  if (call.header_bytes > kMaxResponseHeaderBytes) return false;
  if (call.final_head) {
    call.trailers.add(name, value);
  } else if (name == ":status") {
    call.response.status = static_cast<int>(parse_uint(value).value_or(0));
  } else if (name[0] != ':') {
    call.response.headers.add(name, value);
  }
  return true;
}

void Http2Client::on_headers_end(Http2Call& call) {
  if (call.final_head) return;
  if (call.response.status < 200) {
    call.response.headers = {};
    return;
  }
  call.final_head = true;
  call.head.set();
}

void Http2Client::on_data(Http2Call& call, std::string_view bytes) {
  if (call.ended) return;
  // Tiny frames are gathered: each chunk has a cost that flow control doesn't see.
  if (!call.chunks.empty() && call.chunks.back().size() < kGatheredBytes) {
    call.chunks.back().append(bytes);
  } else {
    call.chunks.emplace_back(bytes);
  }
  call.readable.set();
}

void Http2Client::on_stream_close(int32_t id, uint32_t error_code) {
  auto found = calls_.extract(id);
  if (!found) return;
  Http2Call& call = *found.mapped();
  call.refused = error_code == NGHTTP2_REFUSED_STREAM;
  if (error_code == NGHTTP2_NO_ERROR && call.final_head) return call.end(std::nullopt);
  std::string code = nghttp2_http2_strerror(error_code);
  call.end(ApiStatus::service_unavailable("stream error: stream ID " + std::to_string(id) + "; " +
                                          code + "; received from peer"));
}

ssize_t Http2Client::provide(Http2Call& call, size_t length, uint32_t* flags) {
  size_t left = call.request.body.size() - call.sent;
  size_t n = std::min(left, length);
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (n == left) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(n);
}

int Http2Client::send_data(Http2Call& call, const uint8_t* frame_head, size_t length) {
  if (output_.pending() >= kOutputHighBytes) return NGHTTP2_ERR_WOULDBLOCK;
  std::string& out = output_.text();
  out.append(bytes_view(frame_head, kFrameHeadBytes));
  out.append(call.request.body, call.sent, length);
  output_.added(kFrameHeadBytes + length);
  call.sent += length;
  return 0;
}

void Http2Client::on_ready() {
  auto self = shared_from_this();
  read_input();
  flush();
}

void Http2Client::read_input() {
  char buffer[kReadBytes];
  for (int turn = 0; turn < kReadsPerTurn && !closed_; ++turn) {
    ssize_t n = wire_.read(buffer, sizeof buffer);
    if (n == Wire::kAgain) return;
    if (n == Wire::kEnd) return close(ApiStatus::service_unavailable("connection closed: EOF"));
    if (n == Wire::kBroken) {
      return close(ApiStatus::service_unavailable("connection broken: " + wire_.error()));
    }
    auto* bytes = reinterpret_cast<const uint8_t*>(buffer);
    ssize_t used = nghttp2_session_mem_recv(session_, bytes, static_cast<size_t>(n));
    if (used < 0) return close(ApiStatus::service_unavailable("malformed HTTP/2 from server"));
  }
  if (!closed_) {
    loop_.post([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->on_ready();
    });
  }
}

void Http2Client::flush_soon() {
  if (flush_posted_ || closed_) return;
  flush_posted_ = true;
  loop_.post([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    self->flush_posted_ = false;
    self->flush();
  });
}

void Http2Client::flush() {
  bool more = true;
  while (more && !closed_) {
    while (output_.pending() < kOutputHighBytes) {
      const uint8_t* bytes = nullptr;
      ssize_t n = nghttp2_session_mem_send(session_, &bytes);
      if (n < 0) return close(ApiStatus::service_unavailable("HTTP/2 session failed"));
      if (n == 0) break;
      output_.append(bytes_view(bytes, static_cast<size_t>(n)));
    }
    more = output_.pending() >= kOutputHighBytes;
    ssize_t n = output_.write_to(wire_);
    if (n == Wire::kAgain) return;
    if (n == Wire::kBroken) {
      return close(ApiStatus::service_unavailable("connection broken: " + wire_.error()));
    }
  }
  if (closed_) return;
  if (!nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_)) {
    close(ApiStatus::service_unavailable("connection closed by server"));
  }
}

void Http2Client::close(const ApiStatus& why) {
  if (closed_) return;
  closed_ = true;
  loop_.unwatch(wire_.fd());
  wire_.close();
  output_.clear();
  for (auto& [id, call] : std::exchange(calls_, {})) call->end(why);
}

}  // namespace tiphys::net
