// What pods may not share with their host: namespaces, ports, paths, and probes of other hosts.
#include "apiserver/pod_security/checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

// The hosts that a probe's or a lifecycle hook's action names.
template <class Action>
void add_hosts(const Action& action, NameSet& hosts) {
  if (!action.http_get().host().empty()) hosts.emplace(action.http_get().host());
  if (!action.tcp_socket().host().empty()) hosts.emplace(action.tcp_socket().host());
}

template <class Container>
NameSet hosts_of(const Container& container) {
  NameSet hosts;
  add_hosts(container.liveness_probe(), hosts);
  add_hosts(container.readiness_probe(), hosts);
  add_hosts(container.startup_probe(), hosts);
  add_hosts(container.lifecycle().post_start(), hosts);
  add_hosts(container.lifecycle().pre_stop(), hosts);
  return hosts;
}

}  // namespace

std::optional<Violation> host_namespaces(const PodParts& pod) {
  Names shared;
  if (pod.spec.host_network()) shared.emplace_back("hostNetwork=true");
  if (pod.spec.host_pid()) shared.emplace_back("hostPID=true");
  if (pod.spec.host_ipc()) shared.emplace_back("hostIPC=true");
  if (shared.empty()) return std::nullopt;
  return Violation{"host namespaces", join(shared, ", ")};
}

std::optional<Violation> host_ports(const PodParts& pod) {
  Names bad;
  NameSet ports;
  for_each_container(pod.spec, [&](const auto& container) {
    bool uses = false;
    for (const auto& port : container.ports()) {
      if (port.host_port() == 0) continue;
      uses = true;
      ports.insert(std::to_string(port.host_port()));
    }
    if (uses) bad.emplace_back(container.name());
  });
  if (bad.empty()) return std::nullopt;
  return Violation{"hostPort", containers(bad) + plural(bad.size(), " uses ", " use ") +
                                   plural(ports.size(), "hostPort ", "hostPorts ") +
                                   join(Names(ports.begin(), ports.end()), ", ")};
}

std::optional<Violation> host_path_volumes(const PodParts& pod) {
  Names bad;
  for (const auto& volume : pod.spec.volumes()) {
    if (volume.has_host_path()) bad.emplace_back(volume.name());
  }
  if (bad.empty()) return std::nullopt;
  return Violation{"hostPath volumes", plural(bad.size(), "volume ", "volumes ") + quoted(bad)};
}

std::optional<Violation> host_probes_34(const PodParts& pod) {
  NameSet bad;
  NameSet hosts;
  for_each_container(pod.spec, [&](const auto& container) {
    NameSet own = hosts_of(container);
    if (own.empty()) return;
    bad.emplace(container.name());
    hosts.merge(own);
  });
  if (bad.empty()) return std::nullopt;
  std::string what = "probe or lifecycle host";
  return Violation{what, containers(Names(bad.begin(), bad.end())) +
                             plural(bad.size(), " uses ", " use ") +
                             plural(hosts.size(), what + " ", what + "s ") + quoted(hosts)};
}

}  // namespace tiphys::apiserver::pod_security
