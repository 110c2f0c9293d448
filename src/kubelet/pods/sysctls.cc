#include "kubelet/pods/sysctls.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

// Those that are the pod's own and touch no other pod.
constexpr std::string_view kSafe[] = {"kernel.shm_rmid_forced",
                                      "net.ipv4.ip_local_port_range",
                                      "net.ipv4.tcp_syncookies",
                                      "net.ipv4.ping_group_range",
                                      "net.ipv4.ip_unprivileged_port_start",
                                      "net.ipv4.ip_local_reserved_ports",
                                      "net.ipv4.tcp_keepalive_time",
                                      "net.ipv4.tcp_fin_timeout",
                                      "net.ipv4.tcp_keepalive_intvl",
                                      "net.ipv4.tcp_keepalive_probes",
                                      "net.ipv4.tcp_rmem",
                                      "net.ipv4.tcp_wmem"};

struct Namespaced {
  std::string_view prefix;
  std::string_view name;
};
constexpr Namespaced kNamespaced[] = {{"kernel.sem", "ipc"},
                                      {"kernel.shm", "ipc"},
                                      {"kernel.msg", "ipc"},
                                      {"fs.mqueue.", "ipc"},
                                      {"net.", "net"}};

// The kernel namespace that a parameter belongs to; "": none that is known.
std::string_view namespace_of(std::string_view name) {
  for (const Namespaced& one : kNamespaced) {
    bool whole = one.prefix == "kernel.sem";
    if (whole ? name == one.prefix : name.starts_with(one.prefix)) return one.name;
  }
  return "";
}

bool matches(std::string_view name, std::string_view pattern) {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::string dotted_sysctl(std::string_view name) {
  std::string out(name);
  size_t first = name.find_first_of("./");
  if (first == std::string_view::npos || name[first] == '.') return out;
  for (char& c : out) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return out;
}

std::string sysctl_problem(std::string_view given, const std::vector<std::string>& allowed,
                           bool host_network, bool host_ipc) {
  std::string name = dotted_sysctl(given);
  bool listed = std::ranges::find(kSafe, name) != std::end(kSafe);
  for (const std::string& pattern : allowed) {
    listed = listed || matches(name, dotted_sysctl(pattern));
  }
  if (!listed) return go_quote(name) + " not allowlisted";
  std::string_view of = namespace_of(name);
  if ((of == "ipc" && host_ipc) || (of == "net" && host_network)) {
    return go_quote(name) + " not allowed with host " + std::string(of) + " enabled";
  }
  return "";
}

std::string allowed_sysctl_problem(std::string_view pattern) {
  std::string name = dotted_sysctl(pattern);
  if (name.ends_with('*')) name.pop_back();
  if (!namespace_of(name).empty()) return "";
  return "the sysctl " + go_quote(dotted_sysctl(pattern)) + " are not known to be namespaced";
}

}  // namespace tiphys::kubelet
