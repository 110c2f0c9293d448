#include "kubelet/server/debug_handlers.h"

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/server/responses.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxCommandLine = 1 << 20;

net::Response plain(int status, std::string text) {
  return text_response(status, std::move(text), "text/plain");
}

std::string number_error(std::string_view function, const std::string& text, bool digits) {
  return "strconv." + std::string(function) + ": parsing " + go_quote(text) + ": " +
         (digits ? "value out of range" : "invalid syntax");
}

}  // namespace

net::Response verbosity_answer(std::string_view method, const std::string& body) {
  if (method != "PUT") return plain(406, "unsupported http method");
  std::optional<uint64_t> level = parse_uint(body);
  bool digits = !body.empty() && body.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !level || *level > UINT32_MAX) {
    return plain(400, number_error("ParseUint", body, digits));
  }
  if (*level > INT32_MAX) {
    return plain(400, "failed set klog.logging.verbosity " + body + ": " +
                          number_error("ParseInt", body, true));
  }
  set_log_verbosity(static_cast<int>(*level));
  return plain(200, "successfully set klog.logging.verbosity to " + body);
}

net::Response profile_answer(std::string_view profile) {
  if (profile != "cmdline") {
    net::Response out = text_response(404, "Unknown profile\n");
    out.headers.add("x-go-pprof", "1");
    return out;
  }
  Result<std::string> line = os::read_file("/proc/self/cmdline", kMaxCommandLine);
  if (!line) return text_response(500, line.error().message() + "\n");
  if (line->ends_with('\0')) line->pop_back();
  return text_response(200, std::move(*line));
}

}  // namespace tiphys::kubelet
