#include "kubelet/pods/admission.h"

#include <algorithm>

#include "kinds/host_ports.h"
#include "kinds/node_selector.h"
#include "kinds/pods.h"
#include "kinds/tolerations.h"
#include "kubelet/pods/sysctls.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kOsLabel = "kubernetes.io/os";

bool wants_apparmor(core_v1::AppArmorProfile profile) {
  return profile.has_type() && profile.type() != "Unconfined";
}

bool wants_apparmor(core_v1::PodSpec spec) {
  if (wants_apparmor(spec.security_context().app_armor_profile())) return true;
  for (const auto& list : {spec.init_containers(), spec.containers()}) {
    for (core_v1::Container c : list) {
      if (wants_apparmor(c.security_context().app_armor_profile())) return true;
    }
  }
  return false;
}

std::optional<Why> refused_by_sysctls(const AdmissionInput& in, core_v1::PodSpec spec) {
  for (core_v1::Sysctl sysctl : spec.security_context().sysctls()) {
    std::string problem = sysctl_problem(sysctl.name(), in.allowed_unsafe_sysctls,
                                         spec.host_network(), spec.host_ipc());
    if (!problem.empty()) return Why{"SysctlForbidden", "forbidden sysctl: " + problem};
  }
  return std::nullopt;
}

// What only this host and its runtime know.
std::optional<Why> refused_by_host(const AdmissionInput& in, core_v1::Pod pod) {
  core_v1::PodSpec spec = pod.spec();
  if (pod.metadata().labels().contains(kOsLabel) &&
      pod.metadata().labels().find(kOsLabel) != "linux") {
    return Why{"PodOSSelectorNodeLabelDoesNotMatch",
               "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"};
  }
  if (spec.has_os() && spec.os().name() != "linux") {
    return Why{"PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"};
  }
  if (spec.security_context().supplemental_groups_policy() == "Strict" &&
      !in.supplemental_groups_policy) {
    return Why{"SupplementalGroupsPolicyNotSupported",
               "SupplementalGroupsPolicy=Strict is not supported in this node"};
  }
  if (wants_apparmor(spec) && !in.apparmor) {
    return Why{"AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"};
  }
  return std::nullopt;
}

// Static pods tolerate everything.
std::optional<Why> refused_by_taints(const AdmissionInput& in, core_v1::Pod pod) {
  std::string_view source = pod.metadata().annotations().find(kConfigSourceAnnotation);
  if (!source.empty() && source != "api") return std::nullopt;
  for (core_v1::Taint taint : in.node.spec().taints()) {
    if (taint.effect() != "NoExecute" || find_toleration(pod.spec().tolerations(), taint)) continue;
    return Why{"TaintToleration",
               "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"};
  }
  return std::nullopt;
}

std::optional<Why> refused_by_ports(const AdmissionInput& in, core_v1::PodSpec spec) {
  std::vector<kinds::HostPort> wanted = kinds::host_ports(spec);
  if (wanted.empty()) return std::nullopt;
  for (core_v1::Pod other : in.active) {
    for (const kinds::HostPort& held : kinds::host_ports(other.spec())) {
      if (std::ranges::none_of(wanted, [&](const auto& port) { return port.conflicts(held); })) {
        continue;
      }
      return Why{"NodePorts",
                 "Predicate NodePorts failed: node(s) didn't have free ports for the "
                 "requested pod ports"};
    }
  }
  return std::nullopt;
}

std::vector<Shortage> shortages_of(const AdmissionInput& in, core_v1::PodSpec spec) {
  std::vector<Shortage> out;
  auto allocatable = in.node.status().allocatable();
  auto count = static_cast<int64_t>(in.active.size());
  int64_t room = Quantity::of(allocatable.find("pods")).value();
  if (count >= room) out.push_back({"pods", 1, count, room});
  kinds::ResourceSums used;
  for (core_v1::Pod other : in.active) {
    for (const auto& [name, taken] : kinds::pod_requests(other.spec())) used[name] += taken;
  }
  for (const auto& [name, wanted] : kinds::pod_requests(spec)) {
    if (wanted.is_zero()) continue;
    // An extended resource that the node doesn't know is the cluster's.
    bool extended = name.find('/') != std::string::npos;
    if (extended && !allocatable.contains(name)) continue;
    Quantity capacity = Quantity::of(allocatable.find(name));
    if (used[name] + wanted <= capacity) continue;
    out.push_back({name, whole_amount(name, wanted), whole_amount(name, used[name]),
                   whole_amount(name, capacity)});
  }
  return out;
}

Why out_of(const Shortage& one) {
  return {"OutOf" + one.resource, "Node didn't have enough resource: " + one.resource +
                                      ", requested: " + std::to_string(one.requested) +
                                      ", used: " + std::to_string(one.used) +
                                      ", capacity: " + std::to_string(one.capacity)};
}

// What no pod can do anything about by going.
std::optional<Why> refused_for_itself(const AdmissionInput& in, core_v1::Pod pod) {
  std::optional<Why> refusal;
  if (!kinds::matches_node(pod.spec(), in.node)) {
    refusal = Why{"NodeAffinity",
                  "Predicate NodeAffinity failed: node(s) didn't match Pod's node "
                  "affinity/selector"};
  }
  if (!refusal) refusal = refused_by_ports(in, pod.spec());
  if (!refusal) refusal = refused_by_taints(in, pod);
  if (!refusal) refusal = refused_by_host(in, pod);
  return refusal;
}

}  // namespace

int64_t whole_amount(std::string_view resource, const Quantity& quantity) {
  return resource == "cpu" ? quantity.milli_value() : quantity.value();
}

Judgement judge_pod(const AdmissionInput& in, core_v1::Pod pod) {
  std::optional<Why> sysctls = refused_by_sysctls(in, pod.spec());
  if (sysctls) return {std::move(sysctls), {}};
  return {refused_for_itself(in, pod), shortages_of(in, pod.spec())};
}

std::optional<Why> admit_pod(const AdmissionInput& in, core_v1::Pod pod) {
  Judgement judgement = judge_pod(in, pod);
  if (!judgement.shortages.empty()) return out_of(judgement.shortages[0]);
  return std::move(judgement.refusal);
}

}  // namespace tiphys::kubelet
