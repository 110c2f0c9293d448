#include "kubelet/pods/static_pod_url.h"

#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "base/strings.h"
#include "crypto/tls.h"
#include "kubelet/probes/handler.h"
#include "net/client.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kRequestLimit = std::chrono::seconds(10);
constexpr int kLoudFailures = 3;
constexpr std::string_view kSecret[] = {"authorization", "cookie", "cookie2", "www-authenticate"};
constexpr int kRedirects[] = {301, 302, 303, 307, 308};

struct Answer {
  int status = 0;
  std::string location;
  std::string body;
};

Task<Result<std::string>> read_body(net::Response& response, StopToken stop) {
  std::string out;
  while (response.stream) {
    Result<net::Bytes> chunk = co_await response.stream->next(stop);
    if (!chunk) co_return chunk.error();
    if (!*chunk) break;
    if (out.size() + (*chunk)->size() > kMaxManifestBytes) {
      co_return ApiStatus::bad_request("the limit of " + std::to_string(kMaxManifestBytes) +
                                       " bytes is reached");
    }
    out += **chunk;
  }
  co_return out;
}

Task<Result<Answer>> get(EpollLoop& loop, HttpTarget at, net::Request request, StopToken stop) {
  net::ClientOptions options{.address = at.address(), .http2 = false};
  if (at.tls) {
    Result<std::shared_ptr<crypto::ClientTls>> made =
        crypto::ClientTls::create({.offer_http2 = false});
    if (!made) co_return made.error();
    options.tls = *made;
  }
  net::Client client(loop, options);
  Result<net::Response> response = co_await client.send(std::move(request), true, stop);
  Result<std::string> body = std::string();
  if (response) body = co_await read_body(*response, stop);
  if (response) response->stream.reset();
  co_await client.stop();
  if (!response) co_return response.error();
  if (!body) co_return body.error();
  co_return Answer{response->status, std::string(response->headers.get("location")),
                   std::move(*body)};
}

}  // namespace

net::Request static_pod_request(const HttpTarget& at, const HttpTarget& first,
                                const Options& options) {
  net::Request out;
  out.method = "GET";
  out.path = at.path;
  out.query = at.query;
  out.authority = at.address();
  for (const auto& [name, values] : options.static_pod_url_header) {
    std::string lower = to_lower(name);
    bool secret = std::ranges::find(kSecret, lower) != std::end(kSecret);
    if (lower == "host" || (secret && at.host != first.host)) continue;
    for (const std::string& value : values) out.headers.add(lower, value);
  }
  return out;
}

StaticPodUrl::StaticPodUrl(EpollLoop& loop, const Options& options)
    : loop_(loop), options_(options), gate_(loop) {}

void StaticPodUrl::start(Changed changed) {
  if (options_.static_pod_url.empty()) return;
  changed_ = std::move(changed);
  gate_.spawn(run());
}

Task<void> StaticPodUrl::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> StaticPodUrl::run() {
  LOG_INFO("Watching URL", {"URL", options_.static_pod_url});
  while (!stop_.stop_requested()) {
    Result<void> looked = co_await look();
    if (stop_.stop_requested()) co_return;
    tell(looked);
    (void)co_await sleep_for(loop_, options_.http_check_frequency, stop_.token());
  }
}

Task<Result<void>> StaticPodUrl::look() {
  Deadline deadline(loop_, kRequestLimit, stop_.token());
  Result<std::string> text = co_await fetch(deadline.token());
  if (!text && deadline.passed()) co_return ApiStatus::timeout("context deadline exceeded");
  if (!text) co_return text.error();
  if (stop_.stop_requested()) co_return ApiStatus::stopped();
  co_return take(std::move(*text));
}

Task<Result<std::string>> StaticPodUrl::fetch(StopToken stop) {
  const std::string& url = options_.static_pod_url;
  std::optional<HttpTarget> first = follow_location(HttpTarget(), url);
  if (!first || first->host.empty()) co_return ApiStatus::bad_request("unsupported URL: " + url);
  HttpTarget at = *first;
  for (int hops = 0; hops < kMaxRedirects; ++hops) {
    net::Request request = static_pod_request(at, *first, options_);
    Result<Answer> answer = co_await get(loop_, at, std::move(request), stop);
    if (!answer) co_return answer.error();
    if (answer->status == 200) co_return std::move(answer->body);
    bool redirect = std::ranges::find(kRedirects, answer->status) != std::end(kRedirects);
    std::optional<HttpTarget> next;
    if (redirect) next = follow_location(at, answer->location);
    if (!next) co_return ApiStatus::internal(url + ": " + std::to_string(answer->status));
    at = std::move(*next);
  }
  co_return ApiStatus::internal("stopped after " + std::to_string(kMaxRedirects) + " redirects");
}

Result<void> StaticPodUrl::take(std::string text) {
  const std::string& url = options_.static_pod_url;
  if (text.empty()) {
    text_.clear();
    changed_({});
    return ApiStatus::internal("zero-length data received from " + url);
  }
  if (text == text_) return {};
  StaticPodInput input{.text = text,
                       .file = "",
                       .node_name = options_.node_name,
                       .now = loop_.wall(),
                       .check = options_.check_pod,
                       .url = url};
  Result<std::vector<ObjectPtr>> pods = parse_static_pods(input);
  text_ = std::move(text);
  if (!pods) return pods.error();
  changed_(std::move(*pods));
  return {};
}

void StaticPodUrl::tell(const Result<void>& looked) {
  if (looked) {
    if (failures_ > 0) LOG_INFO("Successfully read pods from URL");
    failures_ = 0;
    return;
  }
  if (failures_ < kLoudFailures) {
    LOG_INFO("Failed to read pods from URL", {"err", looked.error()});
  } else if (failures_ == kLoudFailures) {
    LOG_INFO("Failed to read pods from URL. Dropping verbosity of this message to V(4)",
             {"err", looked.error()});
  } else {
    LOG_V(4, "Failed to read pods from URL", {"err", looked.error()});
  }
  ++failures_;
}

}  // namespace tiphys::kubelet
