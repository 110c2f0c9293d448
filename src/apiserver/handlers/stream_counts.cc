#include "apiserver/handlers/stream_counts.h"

namespace tiphys::apiserver {
namespace {

void add_family(std::string& out, const std::string& name, const std::map<int, uint64_t>& counts) {
  out += "# TYPE " + name + " counter\n";
  for (auto [code, count] : counts) {
    out += name + "{code=\"" + std::to_string(code) + "\"} " + std::to_string(count) + "\n";
  }
}

}  // namespace

std::string metrics_text(const StreamCounts& counts) {
  std::string out;
  add_family(out, "apiserver_stream_translator_requests_total", counts.translated);
  add_family(out, "apiserver_stream_tunnel_requests_total", counts.tunnelled);
  return out;
}

}  // namespace tiphys::apiserver
