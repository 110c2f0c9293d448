#include "apiserver/handlers/stream_translator.h"

#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/proxy_target.h"
#include "apiserver/handlers/stream_channels.h"
#include "apiserver/handlers/stream_counts.h"
#include "async/deadline.h"
#include "async/gate.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "net/spdy_client.h"
#include "net/tunnel.h"
#include "net/websocket_stream.h"

namespace tiphys::apiserver {
namespace {

constexpr int kBadRequest = 400;
constexpr size_t kMaxRefusal = 4096;  // of a kubelet's answer, told to the client
constexpr std::string_view kSpdy = "SPDY/3.1";
constexpr std::string_view kRuntimeProtocol = "v4.channel.k8s.io";

// One exec or attach. Lives in the task of its connection.
class Session {
 public:
  Session(HandlerEnv& env, ProxyRequest request, StreamOptions options, const StopToken& stop)
      : env_(env),
        request_(std::move(request)),
        options_(options),
        over_(stop),
        opened_(*env.loop),
        watch_(*env.loop, kStreamIdleTimeout, over_) {}
  Task<void> run(std::unique_ptr<net::ByteStream> client);

 private:
  Task<void> greet();
  Task<Ending> run_command();
  Task<Result<void>> connect();
  Task<Result<void>> open_streams();
  Task<Result<uint32_t>> open_stream(std::string_view type);
  Task<Ending> pump_output();
  Task<bool> pass_output(net::SpdyFrame frame);
  Task<void> pump_input();
  Task<bool> pass_input(ChannelPiece piece);
  Task<bool> pass_stdin(std::string bytes, bool fin);
  Task<bool> pass_resize(ChannelPiece piece);
  Task<void> end_stdin();
  Task<void> tell(Ending ending);
  uint8_t greeting_channel() const {
    return options_.stdout_stream ? kStdout : options_.stderr_stream ? kStderr : kError;
  }

  HandlerEnv& env_;
  ProxyRequest request_;
  StreamOptions options_;
  StopSource over_;
  Event opened_;  // the runtime's streams are
  net::StreamWatch watch_;
  std::unique_ptr<net::WebSocket> client_;
  std::unique_ptr<net::SpdyClient> backend_;
  uint32_t error_ = 0;  // the runtime's streams; 0: none
  uint32_t stdin_ = 0;
  uint32_t stdout_ = 0;
  uint32_t stderr_ = 0;
  uint32_t resize_ = 0;
  bool stdin_ended_ = false;  // we said so
  std::string size_;          // of a terminal, so far
  std::string error_text_;
  net::WebSocket::Close close_ = net::WebSocket::Close::kNormal;
};

// Upstream's words for a kubelet that doesn't switch.
ApiStatus refusal(const ProxyAnswer& answer) {
  std::string_view body = answer.response.body ? *answer.response.body : std::string_view();
  return ApiStatus::internal("unable to upgrade connection: " +
                             std::string(trim(body.substr(0, kMaxRefusal))));
}

std::string url_of(const ProxyRequest& request) {
  std::string url = "https://" + address_text(request.target) + request.request.path;
  return request.request.query.empty() ? url : url + "?" + request.request.query;
}

Task<Result<void>> Session::connect() {
  std::string url = url_of(request_);
  Result<ProxyAnswer> answer = co_await reach(env_, std::move(request_), over_.token());
  if (!answer) {
    co_return ApiStatus::internal("error sending request: Post " + go_quote(url) + ": " +
                                  answer.error().message());
  }
  const net::Headers& headers = answer->response.headers;
  bool spdy = answer->stream && equals_ignore_case(headers.get("upgrade"), kSpdy);
  if (!spdy) co_return refusal(*answer);
  if (headers.get("x-stream-protocol-version") != kRuntimeProtocol) {
    answer->stream->close();
    co_return ApiStatus::internal("unable to negotiate protocol: the kubelet chose " +
                                  go_quote(headers.get("x-stream-protocol-version")));
  }
  backend_ = std::make_unique<net::SpdyClient>(*env_.loop, std::move(answer->stream));
  co_return Result<void>();
}

Task<Result<uint32_t>> Session::open_stream(std::string_view type) {
  net::Headers headers;
  headers.add("streamtype", type);
  co_return co_await backend_->open(std::move(headers), over_.token());
}

// In upstream's order.
Task<Result<void>> Session::open_streams() {
  struct Wanted {
    std::string_view type;
    bool wanted;
    uint32_t* stream;
  };
  const Wanted all[] = {{"error", true, &error_},
                        {"stdin", options_.stdin_stream, &stdin_},
                        {"stdout", options_.stdout_stream, &stdout_},
                        {"stderr", options_.stderr_stream && !options_.tty, &stderr_},
                        {"resize", options_.tty, &resize_}};
  for (const Wanted& one : all) {
    if (!one.wanted) continue;
    Result<uint32_t> stream = co_await open_stream(one.type);
    if (!stream) co_return stream.error();
    *one.stream = *stream;
  }
  opened_.set();
  co_return Result<void>();
}

// So that the client sees that the connection is open.
Task<void> Session::greet() {
  Result<void> sent = co_await client_->send(
      net::WebSocketOpcode::kBinary, channel_message(greeting_channel(), ""), over_.token());
  if (!sent) over_.request_stop();
}

// ---- from the runtime to the client ----

// False: the client takes no more.
Task<bool> Session::pass_output(net::SpdyFrame frame) {
  if (frame.data.empty()) co_return true;
  if (frame.stream == error_) {
    error_text_ += frame.data;
    co_return error_text_.size() <= kMaxErrorStreamBytes;
  }
  if (frame.stream != stdout_ && frame.stream != stderr_) co_return true;
  uint8_t channel = frame.stream == stdout_ ? kStdout : kStderr;
  Result<void> sent = co_await client_->send(net::WebSocketOpcode::kBinary,
                                             channel_message(channel, frame.data), over_.token());
  co_return sent.has_value();
}

// Until the runtime ended the error stream and those of output, or the connection.
Task<Ending> Session::pump_output() {
  std::set<uint32_t> going = {error_};
  if (stdout_) going.insert(stdout_);
  if (stderr_) going.insert(stderr_);
  Gate gate(*env_.loop);
  while (!going.empty()) {
    Result<std::optional<net::SpdyFrame>> frame = co_await backend_->next(over_.token());
    if (!frame || !*frame) break;
    watch_.moved();
    uint32_t stream = (*frame)->stream;
    bool ended = (*frame)->fin || (*frame)->type == net::SpdyType::kRstStream;
    bool passed = co_await pass_output(std::move(**frame));
    if (!passed) break;
    if (!ended) continue;
    going.erase(stream);
    if (stream == stdin_) gate.spawn(end_stdin());
  }
  Ending ending = ending_of(error_text_);
  backend_->interrupt();
  co_await gate.close();
  co_return ending;
}

// The runtime reads no more: some wait for us to say that we know.
Task<void> Session::end_stdin() {
  bool sent = co_await pass_stdin("", true);
  (void)sent;
}

// ---- from the client to the runtime ----

Task<bool> Session::pass_stdin(std::string bytes, bool fin) {
  if (!stdin_ || stdin_ended_ || (bytes.empty() && !fin)) co_return true;
  stdin_ended_ = fin;
  Result<void> sent = co_await backend_->send(stdin_, std::move(bytes), fin, over_.token());
  co_return sent.has_value();
}

Task<bool> Session::pass_resize(ChannelPiece piece) {
  if (!resize_) co_return true;
  if (size_.size() <= kMaxResizeBytes) size_ += piece.bytes.substr(0, kMaxResizeBytes + 1);
  if (!piece.last) co_return true;
  std::optional<std::string> size = terminal_size(std::exchange(size_, ""));
  if (!size) co_return true;
  Result<void> sent = co_await backend_->send(resize_, std::move(*size), false, over_.token());
  co_return sent.has_value();
}

Task<bool> Session::pass_input(ChannelPiece piece) {
  if (piece.channel == kStdin) {
    co_return co_await pass_stdin(std::move(piece.bytes), piece.closes);
  }
  if (piece.channel == kResize && !piece.closes) co_return co_await pass_resize(std::move(piece));
  co_return true;
}

// Until the client closes, breaks the protocol or the session is over. It reads before the streams
// are open, so that a client that leaves is noticed.
Task<void> Session::pump_input() {
  ChannelReader reader;
  while (true) {
    Result<std::optional<net::WebSocketPiece>> piece = co_await client_->receive(over_.token());
    if (!piece && !piece.error().is_stopped()) close_ = net::WebSocket::Close::kProtocolError;
    if (!piece || !*piece) break;
    watch_.moved();
    Result<std::optional<ChannelPiece>> input = reader.take(std::move(**piece));
    if (!input) close_ = net::WebSocket::Close::kProtocolError;
    if (!input) break;
    if (!*input) continue;
    bool open = co_await opened_.wait(over_.token());
    if (!open) break;
    bool passed = co_await pass_input(std::move(**input));
    if (!passed) co_return;  // the runtime's side is over: its reader knows why
  }
  over_.request_stop();
}

// ---- the whole ----

Task<Ending> Session::run_command() {
  Result<void> connected = co_await connect();
  if (!connected) co_return ending_of(connected.error());
  Result<void> opened = co_await open_streams();
  if (!opened) co_return ending_of(opened.error());
  co_return co_await pump_output();
}

// Not for a client that is gone. A client that reads nothing is not waited for.
Task<void> Session::tell(Ending ending) {
  ++env_.streams->translated[ending.code];
  if (over_.stop_requested()) co_return;
  std::string json;
  codec::encode_json(ending.status->type(), ending.status->root(), json);
  Deadline limit(*env_.loop, net::kWebSocketCloseTimeout, over_.token());
  Result<void> sent = co_await client_->send(net::WebSocketOpcode::kBinary,
                                             channel_message(kError, json), limit.token());
  (void)sent;
}

Task<void> Session::run(std::unique_ptr<net::ByteStream> client) {
  client_ = std::make_unique<net::WebSocket>(*env_.loop, std::move(client));
  client_->on_hang_up([this] { watch_.hung_up(); });
  Gate gate(*env_.loop);
  gate.spawn(pump_input());
  co_await greet();
  Ending ending = co_await run_command();
  co_await tell(std::move(ending));
  over_.request_stop();
  if (backend_) co_await backend_->close();
  co_await client_->end(close_);
  co_await gate.close();
}

Task<void> run_session(std::shared_ptr<Session> session, std::unique_ptr<net::ByteStream> client) {
  co_await session->run(std::move(client));
}

ProxyRequest kubelet_request(const RequestContext& context, ProxyTarget target, std::string path,
                             std::string query) {
  ProxyRequest out;
  out.target = std::move(target);
  out.upgrade = true;
  out.request.method = "POST";
  out.request.path = std::move(path);
  out.request.query = std::move(query);
  out.request.authority = context.authority;
  out.request.headers.set("connection", "Upgrade");
  out.request.headers.set("upgrade", kSpdy);
  out.request.headers.set("x-stream-protocol-version", kRuntimeProtocol);
  return out;
}

}  // namespace

bool is_translatable(const net::Headers& headers) {
  std::vector<std::string_view> offered = net::websocket_protocols(headers);
  return net::is_websocket_request(headers) &&
         std::ranges::find(offered, kChannelProtocol) != offered.end();
}

Result<Answer> translate_streams(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                                 std::string path, std::string query, StreamOptions options) {
  Result<net::Response> response = net::websocket_handshake(context.headers, kChannelProtocol);
  if (!response) {
    ++env.streams->translated[kBadRequest];
    return response.error();
  }
  auto session = std::make_shared<Session>(
      env, kubelet_request(context, std::move(target), std::move(path), std::move(query)), options,
      context.gone);
  response->upgrade = [session](std::unique_ptr<net::ByteStream> client) {
    return run_session(session, std::move(client));
  };
  return Answer::of_raw(std::move(*response));
}

}  // namespace tiphys::apiserver
