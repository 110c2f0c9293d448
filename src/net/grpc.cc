#include "net/grpc.h"

#include "base/strings.h"
#include "net/grpc_wire.h"

namespace tiphys::net {

namespace {

std::string address_of(const std::string& target) {
  // unix:///run/x.sock, unix:/run/x.sock and /run/x.sock mean the same.
  if (auto path = cut_prefix(target, "unix://")) return "unix:" + std::string(*path);
  if (target.starts_with('/')) return "unix:" + target;
  return target;
}

ClientOptions options_for(const std::string& target, std::shared_ptr<crypto::ClientTls> tls) {
  ClientOptions options;
  options.address = address_of(target);
  options.tls = std::move(tls);
  return options;
}

// gRPC's own name for what broke below it.
ApiStatus as_grpc(const ApiStatus& error) {
  if (error.is_stopped()) return error;
  return grpc_error(14, error.message());
}

// One call's answer as messages.
class CallStream : public GrpcStream {
 public:
  explicit CallStream(Response response) : response_(std::move(response)) {}

  Task<Result<std::optional<std::string>>> next(StopToken stop) override {
    while (!ended_) {
      auto message = deframer_.next();
      if (!message || *message) co_return message;
      Result<Bytes> chunk = co_await response_.stream->next(stop);
      if (!chunk) co_return as_grpc(chunk.error());
      if (*chunk) {
        deframer_.add(**chunk);
      } else {
        ended_ = true;
      }
    }
    auto failure = status();
    if (failure) co_return *failure;
    co_return std::optional<std::string>();
  }

 private:
  std::optional<ApiStatus> status() const {
    const Headers* trailers = response_.stream->trailers();
    auto missing = grpc_error(13, "server closed the stream without sending trailers");
    auto failure = grpc_status(trailers ? *trailers : response_.headers, missing);
    if (!failure && !deframer_.empty()) return grpc_error(13, "unexpected EOF");
    return failure;
  }

  Response response_;
  GrpcDeframer deframer_;
  bool ended_ = false;
};

ApiStatus http_failure(const Response& response) {
  int code = response.status == 401                                                         ? 16
             : response.status == 403                                                       ? 7
             : response.status == 404                                                       ? 12
             : response.status == 400                                                       ? 13
             : response.status == 429 || (response.status >= 502 && response.status <= 504) ? 14
                                                                                            : 2;
  return grpc_error(
      code, "unexpected HTTP status code received from server: " + std::to_string(response.status));
}

Task<Result<std::unique_ptr<GrpcStream>>> call(std::shared_ptr<Client> client, Request request,
                                               StopToken stop) {
  Result<Response> response = co_await client->send(std::move(request), true, stop);
  if (!response) co_return as_grpc(response.error());
  if (response->status != 200) co_return http_failure(*response);
  // An error without a message comes as headers only.
  auto failure = grpc_status(response->headers, ApiStatus::stopped());
  if (failure && !failure->is_stopped()) co_return *failure;
  std::unique_ptr<GrpcStream> stream = std::make_unique<CallStream>(std::move(*response));
  co_return std::move(stream);
}

Request make_request(std::string method, std::string_view message, const Headers& metadata) {
  Request request;
  request.method = "POST";
  request.path = std::move(method);
  request.headers = metadata;
  request.headers.set("content-type", "application/grpc");
  request.headers.set("te", "trailers");
  request.headers.set("user-agent", "tiphys-grpc");
  request.body = frame_grpc(message);
  return request;
}

Task<Result<std::string>> call_once(std::shared_ptr<Client> client, Request request,
                                    StopToken stop) {
  auto stream = co_await call(std::move(client), std::move(request), stop);
  if (!stream) co_return stream.error();
  auto first = co_await (*stream)->next(stop);
  if (!first) co_return first.error();
  if (!*first) co_return grpc_error(13, "server ended the call without a message");
  auto end = co_await (*stream)->next(stop);
  if (!end) co_return end.error();
  if (*end) co_return grpc_error(13, "more than one message for a unary call");
  co_return std::move(**first);
}

Task<Result<std::string>> call_in_time(EpollLoop& loop, std::shared_ptr<Client> client,
                                       Request request, Duration timeout, StopToken stop) {
  StopSource deadline(stop);
  Loop::TimerId timer = 0;
  if (timeout > Duration::zero()) {
    request.headers.set("grpc-timeout", grpc_timeout(timeout));
    timer = loop.call_after(timeout, [&deadline] { deadline.request_stop(); });
  }
  Result<std::string> answer =
      co_await call_once(std::move(client), std::move(request), deadline.token());
  loop.cancel(timer);
  bool late = !answer && answer.error().is_stopped() && !stop.stop_requested();
  if (late && timeout > Duration::zero()) co_return grpc_error(4, "context deadline exceeded");
  co_return std::move(answer);
}

}  // namespace

struct GrpcChannel::Impl {
  EpollLoop& loop;
  std::shared_ptr<Client> client;
};

GrpcChannel::GrpcChannel(EpollLoop& loop, std::string target,
                         std::shared_ptr<crypto::ClientTls> tls)
    : impl_(std::make_unique<Impl>(
          Impl{loop, std::make_shared<Client>(loop, options_for(target, std::move(tls)))})) {}

GrpcChannel::~GrpcChannel() = default;

Task<Result<std::string>> GrpcChannel::unary(std::string method, std::string message,
                                             Duration timeout, StopToken stop, Headers metadata) {
  return call_in_time(impl_->loop, impl_->client,
                      make_request(std::move(method), message, metadata), timeout, std::move(stop));
}

Task<Result<std::unique_ptr<GrpcStream>>> GrpcChannel::server_stream(std::string method,
                                                                     std::string message,
                                                                     StopToken stop,
                                                                     Headers metadata) {
  return call(impl_->client, make_request(std::move(method), message, metadata), std::move(stop));
}

Task<void> GrpcChannel::stop() { return impl_->client->stop(); }

}  // namespace tiphys::net
