#include "apiserver/pod_security/check.h"

#include "base/strings.h"

namespace tiphys::apiserver::pod_security {

std::string quoted(const Names& names) {
  return names.empty() ? "" : "\"" + join(names, "\", \"") + "\"";
}

std::string quoted(const NameSet& names) { return quoted(Names(names.begin(), names.end())); }

std::string plural(size_t count, std::string_view one, std::string_view many) {
  return std::string(count == 1 ? one : many);
}

std::string containers(const Names& names) {
  return plural(names.size(), "container ", "containers ") + quoted(names);
}

std::string setters(bool pod, const Names& names) {
  Names who;
  if (pod) who.emplace_back("pod");
  if (!names.empty()) who.push_back(containers(names));
  return join(who, " and ");
}

bool in_user_namespace(const core_v1::PodSpec& spec) {
  return spec.has_host_users() && !spec.host_users();
}

bool is_windows(const core_v1::PodSpec& spec) { return spec.os().name() == "windows"; }

}  // namespace tiphys::apiserver::pod_security
