#include "net/client.h"

#include <algorithm>

#include "async/pool.h"
#include "base/strings.h"
#include "crypto/tls.h"
#include "net/dial.h"
#include "net/http1_client.h"
#include "net/http2_client.h"
#include "net/socket.h"

namespace tiphys::net {

namespace {

constexpr size_t kMaxResponseBytes = 64 * 1024 * 1024;
constexpr size_t kMaxIdleConnections = 16;
constexpr int kMaxTries = 3;

std::string host_of(const std::string& address) {
  if (address.starts_with("unix:")) return "localhost";
  auto name = split_host_port(address);
  return name ? name->host : address;
}

bool is_safe_to_repeat(const Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// The body of an HTTP/2 call.
class CallBody : public BodyStream {
 public:
  explicit CallBody(std::shared_ptr<Http2Call> call) : call_(std::move(call)) {}
  ~CallBody() override {
    if (auto connection = call_->connection.lock()) connection->cancel(*call_);
  }
  Task<Result<Bytes>> next(StopToken stop) override {
    while (call_->chunks.empty()) {
      if (call_->ended && call_->error) co_return *call_->error;
      if (call_->ended) co_return Bytes();
      call_->readable.reset();
      bool ready = co_await call_->readable.wait(stop);
      if (!ready) co_return ApiStatus::stopped();
    }
    auto chunk = std::make_shared<const std::string>(std::move(call_->chunks.front()));
    call_->chunks.pop_front();
    if (auto connection = call_->connection.lock()) connection->consumed(*call_, chunk->size());
    co_return chunk;
  }
  const Headers* trailers() const override {
    return call_->trailers.entries().empty() ? nullptr : &call_->trailers;
  }

 private:
  std::shared_ptr<Http2Call> call_;
};

Task<Result<Response>> collect(Response response, StopToken stop) {
  std::string body;
  while (true) {
    Result<Bytes> chunk = co_await response.stream->next(stop);
    if (!chunk) co_return chunk.error();
    if (!*chunk) break;
    body += **chunk;
    if (body.size() > kMaxResponseBytes) {
      co_return ApiStatus::service_unavailable("response body too large");
    }
  }
  response.stream.reset();
  response.body = std::make_shared<const std::string>(std::move(body));
  co_return response;
}

}  // namespace

struct Client::Impl : public Http1Idle, public std::enable_shared_from_this<Client::Impl> {
  Impl(EpollLoop& l, ClientOptions o) : loop(l), options(std::move(o)), pool(1), dialed(l) {
    if (options.server_name.empty()) options.server_name = host_of(options.address);
  }
  EpollLoop& loop;
  ClientOptions options;
  WorkerPool pool;  // name look-ups
  std::shared_ptr<BufferPool> buffers = std::make_shared<BufferPool>();
  StopSource stopped;
  Event dialed;  // a dial in progress ended
  bool dialing = false;
  bool speaks_http1 = false;  // the server chose it
  std::vector<std::shared_ptr<Http2Client>> http2;
  std::vector<std::unique_ptr<Http1Connection>> idle;

  void give_back(std::unique_ptr<Http1Connection> connection) override {
    if (stopped.stop_requested() || idle.size() >= kMaxIdleConnections) return;
    idle.push_back(std::move(connection));
  }
  std::shared_ptr<Http2Client> usable_http2() {
    std::erase_if(http2, [](const auto& c) { return !c->usable() && c->idle(); });
    for (auto& connection : http2) {
      if (connection->usable()) return connection;
    }
    return nullptr;
  }
  std::unique_ptr<Http1Connection> idle_http1() {
    while (!idle.empty()) {
      auto connection = std::move(idle.back());
      idle.pop_back();
      if (connection->stream->quiet()) return connection;
    }
    return nullptr;
  }
  std::unique_ptr<Http1Connection> wrap(Wire wire) {
    auto connection = std::make_unique<Http1Connection>();
    connection->stream =
        std::make_unique<WireStream>(loop, std::move(wire), "", Output(*buffers), buffers);
    return connection;
  }
  DialTarget target(bool http1) const {
    return {options.address, options.server_name, options.tls, options.connect_timeout, http1};
  }
  void close(const ApiStatus& why) {
    idle.clear();
    for (auto& connection : std::exchange(http2, {})) connection->close(why);
  }
  void complete(Request& request) const {
    if (request.authority.empty()) {
      bool local = options.address.starts_with("unix:");
      request.authority = local ? "localhost" : options.address;
    }
    if (request.path.empty()) request.path = "/";
  }
};

namespace {

using ImplPtr = std::shared_ptr<Client::Impl>;

// Ends with the call's stop and with the client's.
Task<Result<Wire>> dial_target(ImplPtr impl, bool http1, StopToken stop) {
  StopSource either(stop);
  StopCallback client_stops = impl->stopped.token().on_stop([&either] { either.request_stop(); });
  Result<Wire> wire = co_await dial(impl->loop, impl->pool, impl->target(http1), either.token());
  if (wire && impl->stopped.stop_requested()) co_return ApiStatus::stopped();
  co_return std::move(wire);
}

// A connection that takes a call; null if the server speaks HTTP/1.1 only (one such connection is
// then idle). One dial at a time: the others wait for it.
Task<Result<std::shared_ptr<Http2Client>>> get_http2(ImplPtr impl, StopToken stop) {
  while (true) {
    if (impl->stopped.stop_requested()) co_return ApiStatus::stopped();
    if (impl->speaks_http1) co_return std::shared_ptr<Http2Client>();
    if (auto found = impl->usable_http2()) co_return found;
    if (!impl->dialing) break;
    bool ready = co_await impl->dialed.wait(stop);
    if (!ready) co_return ApiStatus::stopped();
  }
  impl->dialing = true;
  impl->dialed.reset();
  Result<Wire> wire = co_await dial_target(impl, false, stop);
  impl->dialing = false;
  impl->dialed.set();
  if (!wire) co_return wire.error();
  if (wire->is_tls() && wire->alpn() != "h2") {
    impl->speaks_http1 = true;
    impl->give_back(impl->wrap(std::move(*wire)));
    co_return std::shared_ptr<Http2Client>();
  }
  auto connection = std::make_shared<Http2Client>(impl->loop, *impl->buffers, std::move(*wire),
                                                  impl->options.tls ? "https" : "http");
  connection->start();
  impl->http2.push_back(connection);
  co_return connection;
}

Task<Result<std::unique_ptr<Http1Connection>>> dial_http1(ImplPtr impl, StopToken stop) {
  Result<Wire> wire = co_await dial_target(impl, true, stop);
  if (!wire) co_return wire.error();
  if (wire->alpn() == "h2") {
    co_return ApiStatus::service_unavailable("server insists on HTTP/2");
  }
  co_return impl->wrap(std::move(*wire));
}

// The head of a call's answer, or what went wrong.
Task<Result<Response>> await_head(std::shared_ptr<Http2Call> call, StopToken stop) {
  bool ready = co_await call->head.wait(stop);
  if (!ready) {
    if (auto connection = call->connection.lock()) connection->cancel(*call);
    co_return ApiStatus::stopped();
  }
  if (!call->final_head) {
    co_return call->error.value_or(ApiStatus::service_unavailable("unexpected EOF"));
  }
  Response response = std::move(call->response);
  response.stream = std::make_unique<CallBody>(call);
  co_return response;
}

Task<Result<Response>> send_http1(ImplPtr impl, Request request, StopToken stop) {
  // A stream can't be sent twice: it gets a connection that the server isn't just closing.
  auto connection = request.body_stream ? nullptr : impl->idle_http1();
  bool reused = connection != nullptr;
  while (true) {
    if (!connection) {
      auto dialed = co_await dial_http1(impl, stop);
      if (!dialed) co_return dialed.error();
      connection = std::move(*dialed);
    }
    auto head = co_await http1_exchange(connection.get(), &request, false, stop);
    if (head) {
      Response response;
      response.status = head->status;
      response.stream = http1_body(std::move(connection), *head, impl);
      response.headers = std::move(head->headers);
      co_return response;
    }
    // The server closed an idle connection while we took it.
    bool again = reused && !connection->answered && is_safe_to_repeat(request);
    if (!again || head.error().is_stopped()) co_return head.error();
    connection.reset();
    reused = false;
  }
}

Task<Result<Response>> send_any(ImplPtr impl, Request request, StopToken stop) {
  for (int tries = 1;; ++tries) {
    auto connection = co_await get_http2(impl, stop);
    if (!connection) co_return connection.error();
    if (!*connection) {
      Result<Response> answer = co_await send_http1(impl, std::move(request), stop);
      co_return std::move(answer);
    }
    auto call = std::make_shared<Http2Call>(impl->loop);
    call->request = std::move(request);
    bool submitted = (*connection)->submit(call);
    if (submitted) {
      Result<Response> answer = co_await await_head(call, stop);
      bool broke = !answer && !answer.error().is_stopped() && !(*connection)->usable();
      bool again = call->refused || (broke && is_safe_to_repeat(call->request));
      if (answer || !again || tries >= kMaxTries) co_return std::move(answer);
    }
    request = std::move(call->request);
    if (tries >= kMaxTries) {
      co_return ApiStatus::service_unavailable("server takes no more streams");
    }
  }
}

Task<Result<Response>> send_request(ImplPtr impl, Request request, bool stream_body,
                                    StopToken stop) {
  impl->complete(request);
  bool http2 = impl->options.http2 && !request.body_stream;
  auto sending =
      http2 ? send_any(impl, std::move(request), stop) : send_http1(impl, std::move(request), stop);
  Result<Response> response = co_await std::move(sending);
  if (!response || stream_body) co_return std::move(response);
  Result<Response> whole = co_await collect(std::move(*response), stop);
  co_return std::move(whole);
}

Task<Result<Client::Upgraded>> send_upgrade(ImplPtr impl, Request request, StopToken stop) {
  impl->complete(request);
  auto dialed = co_await dial_http1(impl, stop);
  if (!dialed) co_return dialed.error();
  auto connection = std::move(*dialed);
  auto head = co_await http1_exchange(connection.get(), &request, true, stop);
  if (!head) co_return head.error();
  Client::Upgraded result;
  result.response.status = head->status;
  if (head->status == 101) {
    connection->stream->unread(std::move(connection->input));
    result.stream = std::move(connection->stream);
  } else {
    result.response.stream = http1_body(std::move(connection), *head, impl);
  }
  result.response.headers = std::move(head->headers);
  if (result.stream) co_return std::move(result);
  Result<Response> whole = co_await collect(std::move(result.response), stop);
  if (!whole) co_return whole.error();
  result.response = std::move(*whole);
  co_return std::move(result);
}

}  // namespace

Client::Client(EpollLoop& loop, ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Client::~Client() {
  impl_->stopped.request_stop();
  impl_->close(ApiStatus::stopped());
}

Task<Result<Response>> Client::send(Request request, bool stream_body, StopToken stop) {
  return send_request(impl_, std::move(request), stream_body, std::move(stop));
}

Task<Result<Client::Upgraded>> Client::upgrade(Request request, StopToken stop) {
  return send_upgrade(impl_, std::move(request), std::move(stop));
}

void Client::close_connections() {
  impl_->close(ApiStatus::service_unavailable("use of closed network connection"));
}

Task<void> Client::stop() {
  ImplPtr impl = impl_;
  impl->stopped.request_stop();
  impl->close(ApiStatus::stopped());
  // Calls in progress end in the loop's next turns.
  co_await yield(impl->loop);
}

}  // namespace tiphys::net
