#include "apiserver/handlers/stream_tunnel.h"

#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/stream_counts.h"
#include "base/strings.h"
#include "net/websocket_stream.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kSpdy = "SPDY/3.1";
constexpr std::string_view kTunnelPrefix = "SPDY/3.1+";
constexpr std::string_view kKubernetesSuffix = ".k8s.io";
constexpr std::string_view kProtocolVersion = "x-stream-protocol-version";

std::vector<std::string> tunnelled_protocols(const net::Headers& headers) {
  std::vector<std::string> out;
  for (std::string_view offered : net::websocket_protocols(headers)) {
    std::optional<std::string_view> inner = cut_prefix(offered, kTunnelPrefix);
    if (inner && inner->ends_with(kKubernetesSuffix)) out.emplace_back(*inner);
  }
  return out;
}

// The request as a SPDY client would have made it.
void make_spdy(RequestContext& context, const std::vector<std::string>& protocols) {
  for (std::string_view name : {"sec-websocket-protocol", "sec-websocket-key",
                                "sec-websocket-version", "sec-websocket-extensions"}) {
    context.headers.remove(name);
  }
  context.method = "POST";
  context.headers.set("upgrade", kSpdy);
  context.headers.remove(kProtocolVersion);
  for (const std::string& protocol : protocols) context.headers.add(kProtocolVersion, protocol);
}

// What the client gets for the kubelet's 101.
Result<net::Response> switched(Loop& loop, const net::Headers& handshake, net::Response backend) {
  if (!equals_ignore_case(backend.headers.get("upgrade"), kSpdy)) {
    return ApiStatus(500, "", "unable to upgrade: missing upgrade headers in response");
  }
  std::string protocol(trim(backend.headers.get(kProtocolVersion)));
  if (!protocol.empty()) protocol = std::string(kTunnelPrefix) + protocol;
  std::vector<std::string_view> offered = net::websocket_protocols(handshake);
  if (std::ranges::find(offered, protocol) == offered.end()) protocol.clear();
  TIPHYS_TRY(net::Response, out, net::websocket_handshake(handshake, protocol));
  out.upgrade = [&loop, run = std::move(backend.upgrade)](std::unique_ptr<net::ByteStream> client) {
    return run(std::make_unique<net::WebSocketBytes>(loop, std::move(client)));
  };
  return std::move(out);
}

int code_of(const Result<Answer>& answer) {
  return answer ? answer->code : static_cast<int>(answer.error().code());
}

}  // namespace

bool is_tunnelable(const net::Headers& headers) {
  return net::is_websocket_request(headers) && !tunnelled_protocols(headers).empty();
}

Task<Result<Answer>> tunnel_streams(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                                    std::string path, std::string query) {
  net::Headers handshake = context.headers;
  Result<net::Response> fine = net::websocket_handshake(handshake, "");
  if (!fine) {
    ++env.streams->tunnelled[fine.error().code()];
    co_return fine.error();
  }
  make_spdy(context, tunnelled_protocols(handshake));
  Result<Answer> answer =
      co_await pass_on(env, context, std::move(target), std::move(path), std::move(query), nullptr);
  if (answer && answer->raw && answer->raw->upgrade) {
    Result<net::Response> response = switched(*env.loop, handshake, std::move(*answer->raw));
    answer = response ? Result<Answer>(Answer::of_raw(std::move(*response)))
                      : Result<Answer>(response.error());
  }
  ++env.streams->tunnelled[code_of(answer)];
  co_return std::move(answer);
}

}  // namespace tiphys::apiserver
