#include "kubelet/server/healthz.h"

#include <algorithm>

#include "base/strings.h"
#include "kubelet/server/responses.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kChecks[] = {"ping", "log", "syncloop"};

// "verbose" or "verbose=anything".
bool is_verbose(std::string_view query) {
  return std::ranges::any_of(split(query, '&'), [](std::string_view term) {
    return term.substr(0, term.find('=')) == "verbose";
  });
}

std::string verbose_text() {
  std::string out;
  for (std::string_view check : kChecks) out += "[+]" + std::string(check) + " ok\n";
  return out + "healthz check passed\n";
}

}  // namespace

net::Response healthz_answer(std::string_view path, std::string_view query) {
  std::string_view check = cut_prefix(path, "/healthz").value_or(path);
  if (check.starts_with('/')) check.remove_prefix(1);
  if (check.empty()) return text_response(200, is_verbose(query) ? verbose_text() : "ok");
  bool known = std::ranges::find(kChecks, check) != std::end(kChecks);
  return known ? text_response(200, "ok") : not_found_response();
}

}  // namespace tiphys::kubelet
