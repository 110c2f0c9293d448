#include "proxy/proxy_health.h"

#include "base/strings.h"
#include "net/text_response.h"

namespace tiphys::proxy {
namespace {

// As Go's Time.String() writes it: "2006-01-02 15:04:05.000000 +0000 UTC".
std::string go_time(MicroTime time) {
  if (time == 0) return "0001-01-01 00:00:00 +0000 UTC";
  std::string text = format_rfc3339_micro(time);
  text[10] = ' ';
  text.pop_back();
  return text + " +0000 UTC";
}

net::Response answer(bool healthy, std::string body) {
  return net::text_response(healthy ? 200 : 503, std::move(body), "application/json");
}

std::string times(bool healthy, MicroTime updated, MicroTime now) {
  return "{\"lastUpdated\": \"" + go_time(healthy ? now : updated) + "\",\"currentTime\": \"" +
         go_time(now) + "\"";
}

}  // namespace

net::Response ProxyHealth::healthz(MonoTime mono, MicroTime wall) const {
  bool well = healthy(mono) && node_eligible_;
  return answer(well, times(well, updated_, wall) +
                          ", \"nodeEligible\": " + (node_eligible_ ? "true" : "false") + "}");
}

net::Response ProxyHealth::livez(MonoTime mono, MicroTime wall) const {
  bool well = healthy(mono);
  return answer(well, times(well, updated_, wall) + "}");
}

}  // namespace tiphys::proxy
