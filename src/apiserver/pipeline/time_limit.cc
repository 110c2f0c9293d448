#include "apiserver/pipeline/time_limit.h"

namespace tiphys::apiserver {

bool is_long_running(const RequestInfo& info) {
  return info.verb == "watch" || info.verb == "proxy" || info.is_connect() ||
         info.subresource == "log";
}

Result<std::optional<Duration>> time_limit(const RequestInfo& info, const Query& query,
                                           Duration server_limit) {
  if (is_long_running(info)) return std::optional<Duration>();
  std::string_view text = query.get("timeout");
  if (text.empty()) return std::optional(server_limit);
  Result<Duration> asked = parse_go_duration(text);
  if (!asked) {
    return ApiStatus::bad_request("invalid timeout specified in the request URL - " +
                                  asked.error().message());
  }
  bool shorter = *asked > Duration::zero() && *asked < server_limit;
  return std::optional(shorter ? *asked : server_limit);
}

ApiStatus time_is_up(const RequestInfo& info) {
  bool reading = info.verb == "get" || info.verb == "list" || !info.is_resource;
  ApiStatus::Data data =
      ApiStatus::timeout(reading ? "Timeout: request did not complete within the allotted timeout"
                                 : "Timeout: request did not complete within requested timeout - "
                                   "context deadline exceeded")
          .data();
  data.has_details = true;
  return ApiStatus(std::move(data));
}

}  // namespace tiphys::apiserver
