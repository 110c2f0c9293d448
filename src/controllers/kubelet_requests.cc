#include "controllers/kubelet_requests.h"

#include <set>

namespace tiphys::controllers {

namespace {

constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::string_view kNodesGroup = "system:nodes";

using UsageSet = std::set<std::string_view>;

bool are_exactly(const Usages& usages, std::string_view purpose) {
  UsageSet given(usages.begin(), usages.end());
  return given == UsageSet{"digital signature", purpose} ||
         given == UsageSet{"digital signature", "key encipherment", purpose};
}

std::string subject_problem(const crypto::Subject& subject) {
  if (subject.organizations != std::vector<std::string>{std::string(kNodesGroup)}) {
    return "subject organization is not system:nodes";
  }
  if (!subject.common_name.starts_with(kNodePrefix)) {
    return "subject common name does not begin with system:node:";
  }
  return "";
}

std::string usages_problem(const Usages& usages, std::string_view purpose) {
  if (are_exactly(usages, purpose)) return "";
  return "usages did not match [" + std::string(purpose) + " digital signature]";
}

}  // namespace

std::string kubelet_client_problem(const crypto::SigningRequest& request, const Usages& usages) {
  std::string problem = subject_problem(request.subject());
  if (!problem.empty()) return problem;
  if (!request.dns_names().empty()) return "DNS subjectAltNames are not allowed";
  if (!request.ip_addresses().empty()) return "IP subjectAltNames are not allowed";
  if (request.has_emails_or_uris()) return "Email or URI subjectAltNames are not allowed";
  return usages_problem(usages, "client auth");
}

std::string kubelet_serving_problem(const crypto::SigningRequest& request, const Usages& usages) {
  std::string problem = subject_problem(request.subject());
  if (!problem.empty()) return problem;
  if (request.dns_names().empty() && request.ip_addresses().empty()) {
    return "DNS or IP subjectAltName is required";
  }
  if (request.has_emails_or_uris()) return "Email or URI subjectAltNames are not allowed";
  return usages_problem(usages, "server auth");
}

std::string client_usages_problem(const Usages& usages) {
  bool client = false;
  for (std::string_view usage : usages) {
    client |= usage == "client auth";
    bool known =
        usage == "client auth" || usage == "digital signature" || usage == "key encipherment";
    if (!known) return "invalid usage for client certificate: " + std::string(usage);
  }
  return client ? "" : "missing required usage for client certificate: client auth";
}

certificates_v1::CertificateSigningRequestCondition find_verdict(
    const certificates_v1::CertificateSigningRequest& request, std::string_view type) {
  for (const auto& condition : request.status().conditions()) {
    if (condition.type() == type && condition.status() == "True") return condition;
  }
  return {};
}

}  // namespace tiphys::controllers
