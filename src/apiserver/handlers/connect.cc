#include "apiserver/handlers/connect.h"

#include "apiserver/handlers/body.h"
#include "apiserver/handlers/proxy_headers.h"
#include "apiserver/response/gzip.h"
#include "base/strings.h"
#include "net/tunnel.h"

namespace tiphys::apiserver {
namespace {

constexpr int kSwitchingProtocols = 101;
constexpr int kFirstError = 400;

// What was read ahead of a body, then the rest of it.
class Prepended : public net::BodyStream {
 public:
  Prepended(std::string start, std::unique_ptr<net::BodyStream> rest)
      : start_(std::move(start)), rest_(std::move(rest)) {}
  Task<Result<net::Bytes>> next(StopToken stop) override {
    if (start_.empty()) co_return co_await rest_->next(std::move(stop));
    co_return std::make_shared<const std::string>(std::exchange(start_, std::string()));
  }

 private:
  std::string start_;
  std::unique_ptr<net::BodyStream> rest_;
};

// A page in an encoding that we don't know passes unchanged.
bool is_readable_html(const net::Headers& headers) {
  std::string_view type = headers.get("content-type");
  std::string_view encoding = headers.get("content-encoding");
  return trim(type.substr(0, type.find(';'))) == "text/html" &&
         (encoding.empty() || encoding == "gzip");
}

// The page with its links rewritten, packed as it came.
std::string rewritten_page(const ProxyPlace& place, std::string page, bool packed) {
  if (!packed) return rewrite_html(place, page);
  std::optional<std::string> plain = gunzip(page, kMaxRewrittenHtml);
  return plain ? gzip(rewrite_html(place, *plain)) : page;
}

Task<Result<void>> rewrite_page(net::Response& response, ProxyPlace place, StopToken stop) {
  std::string page = response.body ? *response.body : "";
  while (response.stream && page.size() <= kMaxRewrittenHtml) {
    Result<net::Bytes> chunk = co_await response.stream->next(stop);
    if (!chunk) co_return chunk.error();
    if (!*chunk) {
      response.stream.reset();
    } else {
      page += **chunk;
    }
  }
  if (response.stream) {
    response.stream = std::make_unique<Prepended>(std::move(page), std::move(response.stream));
  } else {
    bool packed = response.headers.has("content-encoding");
    response.body =
        std::make_shared<const std::string>(rewritten_page(place, std::move(page), packed));
  }
  co_return Result<void>();
}

// Moves both ends of an upgrade into the answer.
net::Response switched(Loop& loop, ProxyAnswer answer, StopToken stop) {
  net::Response response;
  response.status = kSwitchingProtocols;
  response.headers = forwarded_response_headers(answer.response.headers);
  response.headers.set("connection", "Upgrade");
  response.headers.set("upgrade", answer.response.headers.get("upgrade"));
  auto backend = std::make_shared<std::unique_ptr<net::ByteStream>>(std::move(answer.stream));
  response.upgrade = [&loop, backend, stop](std::unique_ptr<net::ByteStream> client) {
    return net::run_tunnel(loop, std::move(client), std::move(*backend), stop);
  };
  return response;
}

ProxyRequest client_request(RequestContext& context, ProxyTarget target, std::string path,
                            std::string query) {
  ProxyRequest out;
  out.target = std::move(target);
  out.upgrade = is_upgrade_request(context.headers);
  out.request.method = context.method;
  out.request.path = std::move(path);
  out.request.query = std::move(query);
  out.request.authority = context.authority;
  out.request.headers =
      forwarded_request_headers(context.headers, context.remote_address, out.upgrade);
  out.request.body = std::move(context.body);
  out.request.body_stream = std::move(context.body_stream);
  std::string_view length = context.headers.get("content-length");
  if (out.request.body_stream && !length.empty()) {
    out.request.headers.set("content-length", length);
  }
  return out;
}

ApiStatus failure_to_reach(const ApiStatus& why, bool upgrade) {
  if (why.is_stopped()) return why;
  if (upgrade) return ApiStatus(500, "", "error dialing backend: " + why.message());
  return ApiStatus::service_unavailable("error trying to reach service: " + why.message());
}

// The path of the request as clients see it, for the backend's own links.
void tell_place(net::Request& request, const ProxyPlace& place) {
  request.headers.set("x-forwarded-uri", place.prefix + request.path);
}

}  // namespace

bool streams_body(std::string_view path, const net::Headers& headers) {
  // Most requests are told apart by this alone.
  if (path.find("/proxy") == std::string_view::npos || is_upgrade_request(headers)) return false;
  Result<ParsedRequest> parsed = parse_request_info("POST", path, "");
  return parsed && parsed->info.is_connect() && parsed->info.subresource == "proxy";
}

Task<Result<ProxyAnswer>> reach(HandlerEnv& env, ProxyRequest request, StopToken stop) {
  if (!env.connect) {
    co_return ApiStatus::service_unavailable("no way to reach nodes and pods is set up");
  }
  co_return co_await env.connect(std::move(request), std::move(stop));
}

Task<Result<Answer>> pass_on(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                             std::string path, std::string query, const ProxyPlace* place) {
  Result<void> fits = check_body_size(context);
  if (!fits) co_return fits.error();
  ProxyRequest request =
      client_request(context, std::move(target), std::move(path), std::move(query));
  if (place) tell_place(request.request, *place);
  bool upgrade = request.upgrade;
  Result<ProxyAnswer> answer = co_await reach(env, std::move(request), context.gone);
  if (!answer) co_return failure_to_reach(answer.error(), upgrade);
  if (answer->stream) {
    co_return Answer::of_raw(switched(*env.loop, std::move(*answer), context.gone));
  }
  net::Response response = std::move(answer->response);
  if (upgrade && response.status < kFirstError) {
    co_return ApiStatus(500, "",
                        "invalid upgrade response: status code " + std::to_string(response.status));
  }
  response.headers = forwarded_response_headers(response.headers);
  if (place && !upgrade) {
    std::string_view location = response.headers.get("location");
    if (!location.empty()) {
      response.headers.set("location", rewrite_link(*place, location));
    } else if (is_readable_html(response.headers) && context.method != "HEAD") {
      Result<void> rewritten = co_await rewrite_page(response, *place, context.gone);
      if (!rewritten) co_return rewritten.error();
    }
  }
  co_return Answer::of_raw(std::move(response));
}

}  // namespace tiphys::apiserver
