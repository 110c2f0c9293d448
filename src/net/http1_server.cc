// The server's side of HTTP/1.1: one request at a time, answered in order.
#include "base/strings.h"
#include "net/exchange.h"
#include "net/http1_body.h"
#include "net/http1_head.h"
#include "net/request_body.h"
#include "net/server_connection.h"

namespace tiphys::net {

namespace {

constexpr size_t kMaxPipelinedBytes = 64 * 1024;
// After a refusal the client gets this long to read the answer before the reset that closing with
// unread input causes.
constexpr Duration kLinger = std::chrono::seconds(2);
constexpr size_t kMaxLingerBytes = 16 * 1024 * 1024;

ApiStatus cut_off() { return ApiStatus::service_unavailable("unexpected EOF"); }

using Upgrade = std::function<Task<void>(std::unique_ptr<ByteStream>)>;

// Keeps the function, and what it holds, until its task ended.
Task<void> run_upgrade(Upgrade upgrade, std::unique_ptr<ByteStream> stream) {
  co_await upgrade(std::move(stream));
}

class Http1Server : public ServerProtocol, public ResponseSink {
 public:
  explicit Http1Server(ServerConnection& connection)
      : connection_(connection), core_(connection.core()), since_(core_.now) {}

  void on_input(std::string_view bytes) override {
    if (state_ == State::kLingering) {
      lingered_ += bytes.size();
      if (lingered_ > kMaxLingerBytes) connection_.close();
      return;
    }
    input_ += bytes;
    process();
  }
  void on_input_end() override {
    ended_ = true;
    if (upload_) upload_->fail(cut_off());
    if (state_ == State::kRunning) return exchange_->gone.request_stop();
    // What was answered already still goes out: on_flush() closes.
    state_ = State::kLingering;
    if (connection_.output().pending() == 0) connection_.close();
  }
  bool wants_input() const override {
    if (uploading()) return !upload_->full();
    return state_ != State::kRunning || input_.size() < kMaxPipelinedBytes;
  }
  void on_flush() override;
  void on_closed() override {
    if (exchange_) exchange_->detach();
    end_upload();
    core_.held_body_bytes -= std::exchange(held_, 0);
  }
  void begin_stop() override {
    if (state_ == State::kHead && input_.empty()) return connection_.close();
    if (exchange_ && exchange_->streaming) exchange_->gone.request_stop();
  }
  void cancel_all() override {
    if (exchange_) exchange_->gone.request_stop();
  }
  bool on_tick(MonoTime now) override;

  void respond(Exchange& exchange) override;
  void chunk_ready(Exchange& exchange) override;
  void stream_ended(Exchange& exchange, bool failed) override;
  void finished(Exchange& exchange) override {}

 private:
  enum class State { kHead, kBody, kRunning, kLingering };
  void process();
  bool take_head();
  bool take_body();
  bool take_upload();
  bool uploading() const { return upload_ && !upload_->over(); }
  void end_upload();
  bool hold(size_t bytes);
  void start_upload();
  void start_exchange();
  void refuse(int status, std::string_view why);
  void refuse_body();
  void write_head(const Response& response, bool whole);
  void end_response();
  void upgrade(Exchange& exchange);
  bool awaits_room() const { return connection_.output().pending() > kOutputHighBytes; }

  ServerConnection& connection_;
  ServerCore& core_;
  State state_ = State::kHead;
  std::string input_;
  size_t searched_ = 0;
  RequestHead head_;
  std::optional<Http1Body> framing_;
  std::string body_;
  std::shared_ptr<RequestBody> upload_;  // instead of body_, while the handler runs
  bool too_large_ = false;
  size_t held_ = 0;
  std::shared_ptr<Exchange> exchange_;
  MonoTime since_;  // of the state
  size_t lingered_ = 0;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool ended_ = false;
  bool in_process_ = false;
  bool write_shut_ = false;
  bool refused_ = false;  // with input unread
};

// A loop, not a recursion: handlers that answer at once come back here through respond().
void Http1Server::process() {
  if (in_process_) return;
  in_process_ = true;
  while (!connection_.closed() && !awaits_room()) {
    bool more = (state_ == State::kHead && take_head()) ||
                (state_ == State::kBody && take_body()) || (uploading() && take_upload());
    if (!more) break;
  }
  in_process_ = false;
}

bool Http1Server::take_head() {
  if (searched_ == 0 && input_.starts_with("\r\n")) input_.erase(0, 2);
  size_t end = find_head_end(input_, searched_);
  if (std::min(end, input_.size()) > core_.limits.max_header_bytes) {
    refuse(431, "request header fields too large");
    return false;
  }
  if (end == std::string::npos) {
    searched_ = input_.size();
    if (input_.empty()) input_.shrink_to_fit();
    return false;
  }
  auto head = parse_request_head(std::string_view(input_).substr(0, end));
  if (!head) {
    refuse(head.error().code(), head.error().message());
    return false;
  }
  input_.erase(0, end);
  searched_ = 0;
  head_ = std::move(*head);
  framing_.emplace(head_.framing);
  bool streamed = !framing_->done() && core_.limits.streams_body &&
                  core_.limits.streams_body(head_.path, head_.headers);
  if (!streamed && head_.framing.length > core_.limits.max_body_bytes) {
    refuse_body();
    return false;
  }
  state_ = State::kBody;
  since_ = core_.now;
  if (head_.expects_continue && !framing_->done() && input_.empty()) {
    connection_.output().append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (streamed) start_upload();
  return true;
}

// The handler starts with the head; the body comes as it takes it.
void Http1Server::start_upload() {
  upload_ = std::make_shared<RequestBody>(core_.loop);
  upload_->on_taken = [this](size_t) {
    since_ = core_.now;
    connection_.read_soon();
  };
  connection_.flush_soon();
  start_exchange();
}

bool Http1Server::take_upload() {
  if (upload_->full() || input_.empty()) return false;
  std::string data;
  auto taken = framing_->take(input_, data, kMaxBufferedBody);
  since_ = core_.now;
  if (!taken) {
    input_.clear();
    upload_->fail(taken.error());
    refused_ = true;
    return false;
  }
  input_.erase(0, *taken);
  upload_->push(data);
  if (framing_->done()) upload_->end();
  return true;
}

void Http1Server::end_upload() {
  if (!upload_) return;
  upload_->on_taken = nullptr;
  upload_->fail(cut_off());
  upload_.reset();
}

bool Http1Server::take_body() {
  size_t limit = core_.limits.max_body_bytes + 1;
  size_t before = body_.size();
  auto taken = framing_->take(input_, body_, limit);
  if (!taken) {
    refuse(400, taken.error().message());
    return false;
  }
  input_.erase(0, *taken);
  if (body_.size() >= limit) {
    refuse_body();
    return false;
  }
  if (!hold(body_.size() - before)) {
    refuse(503, "too many request bodies at one time");
    return false;
  }
  if (!framing_->done()) return false;
  start_exchange();
  return true;
}

bool Http1Server::hold(size_t bytes) {
  if (core_.held_body_bytes + bytes > kMaxHeldBodyBytes) return false;
  core_.held_body_bytes += bytes;
  held_ += bytes;
  return true;
}

void Http1Server::start_exchange() {
  state_ = State::kRunning;
  exchange_ = std::make_shared<Exchange>(core_.loop, this);
  Request& request = exchange_->request;
  request.method = std::move(head_.method);
  request.path = std::move(head_.path);
  request.query = std::move(head_.query);
  request.authority = std::move(head_.authority);
  request.headers = std::move(head_.headers);
  request.body = std::exchange(body_, {});
  request.body_too_large = std::exchange(too_large_, false);
  if (upload_) request.body_stream = RequestBody::stream(upload_);
  request.remote_address = connection_.remote_address();
  request.peer_certificate = connection_.peer_certificate();
  request.gone = exchange_->gone.token();
  exchange_->bodiless = request.method == "HEAD";
  keep_alive_ = head_.keep_alive && !request.body_too_large;
  core_.gate.spawn(run_exchange(core_, exchange_));
}

void Http1Server::refuse(int status, std::string_view why) {
  Response response;
  response.status = status;
  response.headers.add("content-type", "text/plain; charset=utf-8");
  response.body = std::make_shared<const std::string>(std::string(why) + "\n");
  keep_alive_ = false;
  refused_ = true;
  write_head(response, true);
  connection_.output().append_shared(response.body);
  state_ = State::kLingering;
  since_ = core_.now;
  input_ = {};
  connection_.flush_soon();
}

void Http1Server::refuse_body() {
  if (!core_.limits.too_large_to_handler) return refuse(413, "request body too large");
  body_ = {};
  too_large_ = true;
  refused_ = true;
  start_exchange();
}

void Http1Server::write_head(const Response& response, bool whole) {
  std::string& out = connection_.output().text();
  size_t before = out.size();
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += status_text(response.status);
  out += "\r\n";
  for (const auto& [name, value] : response.headers.entries()) {
    if (is_safe_header(name, value)) append_header(out, name, value);
  }
  bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  if (!bodiless && whole) {
    append_header(out, "content-length", std::to_string(response.body ? response.body->size() : 0));
  }
  if (!bodiless && !whole && chunked_) append_header(out, "transfer-encoding", "chunked");
  if (!keep_alive_) append_header(out, "connection", "close");
  if (response.status >= 200) append_header(out, "date", core_.date());
  out += "\r\n";
  connection_.output().added(out.size() - before);
}

void Http1Server::respond(Exchange& exchange) {
  core_.held_body_bytes -= std::exchange(held_, 0);
  if (core_.stopping || ended_) keep_alive_ = false;
  if (uploading()) refused_ = true;
  if (refused_) keep_alive_ = false;
  Response& response = exchange.response;
  if (response.status == 101 && response.upgrade) return upgrade(exchange);
  bool whole = !response.stream;
  chunked_ = !whole && head_.minor_version == 1;
  if (!whole && !chunked_) keep_alive_ = false;
  write_head(response, whole);
  if (whole && !exchange.bodiless) connection_.output().append_shared(response.body);
  if (!exchange.streaming) return end_response();
  connection_.flush_soon();
}

void Http1Server::chunk_ready(Exchange& exchange) {
  Output& output = connection_.output();
  if (chunked_) {
    char size[24];
    int n = std::snprintf(size, sizeof size, "%zx\r\n", exchange.chunk->size());
    output.append({size, static_cast<size_t>(n)});
  }
  output.append_shared(std::exchange(exchange.chunk, nullptr));
  if (chunked_) output.append("\r\n");
  connection_.flush_soon();
}

void Http1Server::stream_ended(Exchange& exchange, bool failed) {
  // A body that broke off must not look whole.
  if (failed) return connection_.close();
  if (chunked_) connection_.output().append("0\r\n\r\n");
  end_response();
}

void Http1Server::end_response() {
  exchange_->sink = nullptr;
  exchange_.reset();
  end_upload();
  since_ = core_.now;
  if (keep_alive_ && !core_.stopping) {
    state_ = State::kHead;
    connection_.flush_soon();
    process();
    connection_.read_soon();
    return;
  }
  state_ = State::kLingering;
  input_ = {};
  connection_.flush_soon();
}

void Http1Server::on_flush() {
  if (!connection_.write_output()) {
    if (connection_.closed() || awaits_room()) return;
  }
  if (exchange_ && exchange_->streaming) exchange_->drained.set();
  if (state_ == State::kLingering && connection_.output().pending() == 0) {
    if (ended_ || !refused_) return connection_.close();
    if (!std::exchange(write_shut_, true)) connection_.shut_write();
    return;
  }
  process();
}

void Http1Server::upgrade(Exchange& exchange) {
  write_head(exchange.response, false);
  auto handler = std::move(exchange.response.upgrade);
  exchange_->sink = nullptr;
  exchange_.reset();
  std::unique_ptr<WireStream> stream = connection_.hand_over(std::move(input_));
  core_.gate.spawn(run_upgrade(std::move(handler), std::move(stream)));
}

bool Http1Server::on_tick(MonoTime now) {
  Duration waited = now - since_;
  switch (state_) {
    case State::kHead:
      return waited <= (input_.empty() ? core_.limits.idle_timeout : core_.limits.header_timeout);
    case State::kBody:
      return waited <= core_.limits.body_timeout;
    case State::kLingering:
      return waited <= kLinger;
    case State::kRunning:
      return !upload_ || !upload_->starved() || waited <= core_.limits.body_timeout;
  }
  return true;
}

}  // namespace

std::unique_ptr<ServerProtocol> make_http1_server(ServerConnection& connection) {
  return std::make_unique<Http1Server>(connection);
}

}  // namespace tiphys::net
