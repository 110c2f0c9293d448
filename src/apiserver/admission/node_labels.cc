#include "apiserver/admission/node_labels.h"

#include <set>

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kKubeletLabels[] = {
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "kubernetes.io/os",
    "kubernetes.io/arch",
};

bool in_domain(std::string_view ns, std::string_view domain) {
  return ns == domain || (ns.size() > domain.size() && ns.ends_with(domain) &&
                          ns[ns.size() - domain.size() - 1] == '.');
}

bool is_forbidden(std::string_view key) {
  size_t slash = key.find('/');
  if (slash == key.npos) return false;
  std::string_view ns = key.substr(0, slash);
  if (in_domain(ns, "node-restriction.kubernetes.io")) return true;
  if (!in_domain(ns, "kubernetes.io") && !in_domain(ns, "k8s.io")) return false;
  if (in_domain(ns, "kubelet.kubernetes.io") || in_domain(ns, "node.kubernetes.io")) return false;
  return std::find(std::begin(kKubeletLabels), std::end(kKubeletLabels), key) ==
         std::end(kKubeletLabels);
}

}  // namespace

std::string forbidden_label_changes(const MapView<std::string_view>& now,
                                    const MapView<std::string_view>& old) {
  std::set<std::string_view> changed;
  for (const auto& entry : now) {
    if (!old.contains(entry.key) || old.find(entry.key) != entry.value) changed.insert(entry.key);
  }
  for (const auto& entry : old) {
    if (!now.contains(entry.key)) changed.insert(entry.key);
  }
  std::string out;
  for (std::string_view key : changed) {
    if (!is_forbidden(key)) continue;
    if (!out.empty()) out += ", ";
    out += key;
  }
  return out;
}

}  // namespace tiphys::apiserver
