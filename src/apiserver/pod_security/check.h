// What a check of the Pod Security Standards says about a pod or pod template. Pure.
// Upstream: k8s.io/pod-security-admission/policy; KEP-2579.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kinds/core_v1.h"

namespace tiphys::apiserver::pod_security {

// A pod's or a template's two halves. Views: they live as long as the object.
struct PodParts {
  meta_v1::ObjectMeta metadata;
  core_v1::PodSpec spec;
};

struct Violation {
  std::string reason;  // "host namespaces"
  std::string detail;  // "hostNetwork=true"; may be empty
};

using Check = std::optional<Violation> (*)(const PodParts& pod);

using Names = std::vector<std::string>;  // in the order met
using NameSet = std::set<std::string>;   // sorted, unique

// Calls visit(container) for init, plain and ephemeral containers, in this order.
template <class Visit>
void for_each_container(const core_v1::PodSpec& spec, Visit visit) {
  for (const auto& container : spec.init_containers()) visit(container);
  for (const auto& container : spec.containers()) visit(container);
  for (const auto& container : spec.ephemeral_containers()) visit(container);
}

std::string quoted(const Names& names);  // "a", "b"
std::string quoted(const NameSet& names);
std::string plural(size_t count, std::string_view one, std::string_view many);
std::string containers(const Names& names);  // container "a"; containers "a", "b"
// 'pod and containers "a", "b"': who set something that may not be set; empty: nobody.
std::string setters(bool pod, const Names& names);

// A pod of its own user namespace (hostUsers: false), for which some rules are looser.
bool in_user_namespace(const core_v1::PodSpec& spec);
bool is_windows(const core_v1::PodSpec& spec);

}  // namespace tiphys::apiserver::pod_security
