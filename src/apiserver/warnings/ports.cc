// Ports of a pod's containers that say the same thing twice, or two things at once.
#include <map>

#include "apiserver/validation/pod_scope.h"
#include "apiserver/warnings/warnings.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using core_v1::ContainerPort;

// fmt's %+v.
std::string go_port(ContainerPort port) {
  return "{Name:" + std::string(port.name()) + " HostPort:" + std::to_string(port.host_port()) +
         " ContainerPort:" + std::to_string(port.container_port()) +
         " Protocol:" + std::string(port.protocol()) + " HostIP:" + std::string(port.host_ip()) +
         "}";
}

struct SeenPort {
  std::string path;
  ContainerPort port;
};

// How two definitions of one protocol and port get along; empty: well.
std::string_view relation(ContainerPort a, ContainerPort b) {
  if (a.host_ip() == b.host_ip() && a.host_port() == b.host_port()) {
    return "duplicate port definition with ";
  }
  if (a.host_port() == 0 || b.host_port() == 0) return "overlapping port definition with ";
  bool one_sided = a.host_ip().empty() != b.host_ip().empty();
  if (a.host_port() != b.host_port() || !one_sided) return "";
  return "dangerously ambiguous port definition with ";
}

}  // namespace

void warn_of_container_ports(core_v1::PodSpec spec, const FieldPath& path, Warnings& warnings) {
  std::map<std::pair<int32_t, std::string_view>, std::vector<SeenPort>> seen;
  std::map<std::string_view, std::string> names;
  Warnings of_names;
  for_each_container(spec, path, [&](core_v1::Container container, const FieldPath& at) {
    size_t i = 0;
    for (ContainerPort port : container.ports()) {
      FieldPath here = at.child("ports").index(i++);
      if (!port.host_ip().empty() && port.host_port() == 0) {
        warn(warnings, here, "hostIP set without hostPort: " + go_port(port));
      }
      auto& others = seen[{port.container_port(), port.protocol()}];
      for (const SeenPort& other : others) {
        std::string_view how = relation(port, other.port);
        if (!how.empty()) warn(warnings, here, std::string(how) + other.path);
      }
      others.push_back({here.text(), port});
      if (port.name().empty()) continue;
      auto [first, fresh] = names.try_emplace(port.name(), here.text());
      if (fresh) continue;
      warn(of_names, here,
           "duplicate port name " + go_quote(port.name()) + " with " + first->second +
               ", services and probes that select ports by name will use " + first->second);
    }
  });
  warnings.insert(warnings.end(), of_names.begin(), of_names.end());
}

}  // namespace tiphys::apiserver
