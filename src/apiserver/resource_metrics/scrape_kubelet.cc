#include "apiserver/resource_metrics/scrape_kubelet.h"

#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/proxy_target.h"

namespace tiphys::apiserver {
namespace {

Task<Result<std::string>> read_body(net::Response response, StopToken stop) {
  std::string text = response.body ? *response.body : "";
  while (response.stream) {
    Result<net::Bytes> chunk = co_await response.stream->next(stop);
    if (!chunk) co_return chunk.error();
    if (!*chunk) break;
    text += **chunk;
    if (text.size() > kMaxKubeletMetricsBytes) break;
  }
  if (text.size() <= kMaxKubeletMetricsBytes) co_return text;
  co_return ApiStatus::internal("the answer is longer than " +
                                std::to_string(kMaxKubeletMetricsBytes) + " bytes");
}

}  // namespace

Task<Result<NodePoints>> scrape_kubelet(HandlerEnv& env, std::string node, StopToken stop) {
  Result<ProxyTarget> target = kubelet_target(env, node);
  if (!target) co_return target.error();
  ProxyRequest request;
  request.target = std::move(*target);
  request.request.method = "GET";
  request.request.path = "/metrics/resource";
  Result<ProxyAnswer> answer = co_await reach(env, std::move(request), stop);
  if (!answer) co_return answer.error();
  int status = answer->response.status;
  if (status != 200) {
    co_return ApiStatus::internal("request failed, status: " + std::to_string(status));
  }
  Result<std::string> text = co_await read_body(std::move(answer->response), stop);
  if (!text) co_return text.error();
  co_return parse_kubelet_metrics(*text, env.loop->wall());
}

}  // namespace tiphys::apiserver
