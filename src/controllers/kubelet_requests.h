// What certificate requests of kubelets must look like. Pure.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests
// (Kubernetes signers); k8s.io/kubernetes pkg/apis/certificates/helpers.go.
#pragma once
#include <string>

#include "crypto/csr.h"
#include "kinds/certificates_v1.h"

namespace tiphys::controllers {

inline constexpr std::string_view kApiClientSigner = "kubernetes.io/kube-apiserver-client";
inline constexpr std::string_view kKubeletClientSigner =
    "kubernetes.io/kube-apiserver-client-kubelet";
inline constexpr std::string_view kKubeletServingSigner = "kubernetes.io/kubelet-serving";

using Usages = ListView<std::string_view>;

// Why a request isn't one that these signers sign, as upstream words it; "": it is.
std::string kubelet_client_problem(const crypto::SigningRequest& request, const Usages& usages);
std::string kubelet_serving_problem(const crypto::SigningRequest& request, const Usages& usages);
// Of a client's: client auth, and at most digital signature and key encipherment besides.
std::string client_usages_problem(const Usages& usages);

// The condition of a type with status True; the empty view if there is none.
certificates_v1::CertificateSigningRequestCondition find_verdict(
    const certificates_v1::CertificateSigningRequest& request, std::string_view type);

}  // namespace tiphys::controllers
