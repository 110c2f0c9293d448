// What a request to the kubelet's server asks of the node object, for whoever authorizes it. Pure.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/ and KEP-2862
// (KubeletFineGrainedAuthz); k8s.io/kubernetes pkg/kubelet/server/auth.go, v1.35.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::kubelet {

// "GET" -> "get", "POST" -> "create"; "" for methods that the API has no verb for.
std::string_view request_verb(std::string_view method);
// Subresources of nodes; the right to one of them is enough: "/pods" -> {"pods", "proxy"},
// "/metrics/cadvisor" -> {"metrics"}, "/exec/..." -> {"proxy"}. `path` is decoded.
std::vector<std::string> request_subresources(std::string_view path);

}  // namespace tiphys::kubelet
