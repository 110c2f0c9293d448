#include "client/http_transport.h"

#include "async/deadline.h"
#include "base/strings.h"
#include "client/answer_form.h"
#include "client/status_object.h"
#include "client/watch_frames.h"
#include "codec/codec.h"
#include "net/client.h"
#include "os/files.h"

namespace tiphys::client {

namespace {

constexpr Duration kRequestTimeout = std::chrono::seconds(60);
constexpr Duration kTokenAge = std::chrono::seconds(60);
constexpr size_t kMaxTokenBytes = 64 * 1024;

ApiStatus failure_of(int code, std::string_view content_type, std::string_view body) {
  Result<ObjectPtr> object = decode_answer(content_type, body, Request::As::kObject);
  if (!object) return status_of_code(code, body);
  return status_of(**object);
}

class HttpWatchStream : public WatchStream {
 public:
  HttpWatchStream(std::unique_ptr<net::BodyStream> body, WatchFrames::Format format, Request::As as)
      : body_(std::move(body)), frames_(format, as) {}
  Task<Result<std::optional<WatchEvent>>> next(StopToken stop) override {
    while (true) {
      Result<std::optional<WatchEvent>> event = frames_.next();
      if (!event || *event) co_return event;
      Result<net::Bytes> chunk = co_await body_->next(stop);
      if (!chunk) co_return chunk.error();
      if (!*chunk) co_return std::optional<WatchEvent>();
      frames_.feed(**chunk);
    }
  }

 private:
  std::unique_ptr<net::BodyStream> body_;
  WatchFrames frames_;
};

void add_impersonation(const Kubeconfig& config, net::Headers& headers) {
  if (config.as_user.empty()) return;
  headers.add("impersonate-user", config.as_user);
  if (!config.as_uid.empty()) headers.add("impersonate-uid", config.as_uid);
  for (const std::string& group : config.as_groups) headers.add("impersonate-group", group);
  for (const auto& [key, values] : config.as_extra) {
    std::string name = "impersonate-extra-" + percent_encode(to_lower(key));
    for (const std::string& value : values) headers.add(name, value);
  }
}

}  // namespace

struct HttpTransport::Impl {
  Impl(EpollLoop& l, WorkerPool& p, Kubeconfig c, std::string agent, ServerAddress to,
       net::ClientOptions options)
      : loop(l),
        pool(p),
        config(std::move(c)),
        user_agent(std::move(agent)),
        server(std::move(to)),
        tls(options.tls),
        http(l, std::move(options)) {}
  Task<std::string> authorization();
  net::Request prepare(const Request& request, std::string token) const;

  EpollLoop& loop;
  WorkerPool& pool;
  Kubeconfig config;
  std::string user_agent;
  ServerAddress server;
  std::shared_ptr<crypto::ClientTls> tls;  // null: plain
  net::Client http;
  std::string file_token;
  MonoTime read_at = -kTokenAge;
};

Task<std::string> HttpTransport::Impl::authorization() {
  if (!config.token_file.empty() && loop.mono() - read_at >= kTokenAge) {
    read_at = loop.mono();
    auto text = co_await run_blocking(
        loop, pool, [path = config.token_file] { return os::read_file(path, kMaxTokenBytes); });
    if (text) file_token = trim(*text);
  }
  const std::string& token = file_token.empty() ? config.token : file_token;
  if (!token.empty()) co_return "Bearer " + token;
  if (config.username.empty()) co_return std::string();
  co_return "Basic " + base64_encode(config.username + ":" + config.password);
}

net::Request HttpTransport::Impl::prepare(const Request& request, std::string authorization) const {
  net::Request http_request;
  http_request.method = request.method;
  http_request.path = server.path + request.path;
  http_request.query = request.query;
  http_request.authority = server.address;
  net::Headers& headers = http_request.headers;
  headers.add("user-agent", user_agent);
  std::string text_type = request.accept.empty() ? std::string(kJsonType) : request.accept;
  headers.add("accept", request.as_text ? text_type : accept_header(request.as, config.json));
  if (!authorization.empty()) headers.add("authorization", authorization);
  add_impersonation(config, headers);
  if (request.object) {
    bool json = config.json || request.json_body;
    headers.add("content-type", json ? kJsonType : kProtobufType);
    codec::encode_object(json ? codec::Format::kJson : codec::Format::kProtobuf,
                         request.object->type(), request.object->root(), request.object->gvk(),
                         http_request.body);
  } else if (!request.body.empty()) {
    headers.add("content-type", request.content_type);
    http_request.body = request.body;
  }
  return http_request;
}

HttpTransport::HttpTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpTransport::~HttpTransport() = default;

Result<std::unique_ptr<HttpTransport>> HttpTransport::create(EpollLoop& loop, WorkerPool& pool,
                                                             Kubeconfig config,
                                                             std::string user_agent) {
  TIPHYS_TRY(ServerAddress, server, parse_server_url(config.server));
  if (!config.proxy_url.empty()) {
    return ApiStatus::internal("proxy-url of a kubeconfig is not supported");
  }
  net::ClientOptions options;
  options.address = server.address;
  options.server_name = config.tls_server_name;
  if (server.tls) {
    TIPHYS_TRY(std::shared_ptr<crypto::ClientTls>, tls, crypto::ClientTls::create(config.tls));
    options.tls = std::move(tls);
  } else {
    options.http2 = false;
  }
  auto impl = std::make_unique<Impl>(loop, pool, std::move(config), std::move(user_agent),
                                     std::move(server), std::move(options));
  return std::unique_ptr<HttpTransport>(new HttpTransport(std::move(impl)));
}

Task<Result<Response>> HttpTransport::send(Request request) {
  bool as_text = request.as_text;
  Request::As as = request.as;
  std::string authorization = co_await impl_->authorization();
  Deadline deadline(impl_->loop, kRequestTimeout, request.stop);
  net::Request http_request = impl_->prepare(request, std::move(authorization));
  MonoTime begin = impl_->loop.mono();
  Result<net::Response> answer =
      co_await impl_->http.send(std::move(http_request), false, deadline.token());
  tell({request.method, impl_->server.address, answer ? answer->status : 0,
        impl_->loop.mono() - begin});
  if (!answer && deadline.passed()) {
    co_return ApiStatus::timeout("the server did not answer within a minute");
  }
  if (!answer) co_return answer.error();
  std::string_view body = answer->body ? std::string_view(*answer->body) : std::string_view();
  std::string_view content_type = answer->headers.get("content-type");
  if (answer->status < 200 || answer->status > 299) {
    co_return failure_of(answer->status, content_type, body);
  }
  Response response;
  response.code = answer->status;
  std::string_view media = media_type(content_type);
  if (as_text || body.empty() || (media != kProtobufType && media != kJsonType)) {
    response.body = body;
    co_return response;
  }
  Result<ObjectPtr> object = decode_answer(content_type, body, as);
  if (!object) co_return object.error();
  response.object = std::move(*object);
  co_return response;
}

Task<Result<std::unique_ptr<WatchStream>>> HttpTransport::watch(Request request) {
  std::string authorization = co_await impl_->authorization();
  net::Request http_request = impl_->prepare(request, std::move(authorization));
  http_request.headers.set("accept", watch_accept_header(request.as, impl_->config.json));
  Request::As as = request.as;
  MonoTime begin = impl_->loop.mono();
  Result<net::Response> answer =
      co_await impl_->http.send(std::move(http_request), true, request.stop);
  tell({request.method, impl_->server.address, answer ? answer->status : 0,
        impl_->loop.mono() - begin});
  if (!answer) co_return answer.error();
  std::string content_type(answer->headers.get("content-type"));
  if (answer->status < 200 || answer->status > 299) {
    std::string body;
    if (answer->body) body = *answer->body;
    while (answer->stream && body.size() < kMaxFrameBytes) {
      Result<net::Bytes> chunk = co_await answer->stream->next(request.stop);
      if (!chunk || !*chunk) break;
      body += **chunk;
    }
    co_return failure_of(answer->status, content_type, body);
  }
  if (!answer->stream)
    co_return ApiStatus::internal("the server answered a watch without a stream");
  auto format = media_type(content_type) == kProtobufType ? WatchFrames::Format::kProtobuf
                                                          : WatchFrames::Format::kJsonLines;
  co_return std::make_unique<HttpWatchStream>(std::move(answer->stream), format, as);
}

void HttpTransport::set_token(std::string token) { impl_->config.token = std::move(token); }

Result<void> HttpTransport::set_certificate(std::string certificate_pem, std::string key_pem) {
  if (!impl_->tls) return ApiStatus::internal("the server is not reached over TLS");
  crypto::ClientTls::Options options = impl_->config.tls;
  options.certificate_pem = std::move(certificate_pem);
  options.key_pem = std::move(key_pem);
  Result<void> replaced = impl_->tls->replace(options);
  if (!replaced) return replaced;
  impl_->config.tls = std::move(options);
  impl_->http.close_connections();
  return {};
}

Task<void> HttpTransport::stop() { return impl_->http.stop(); }

}  // namespace tiphys::client
