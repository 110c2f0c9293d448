#include "apiserver/authn/client_certificate.h"

namespace tiphys::apiserver {

std::optional<UserInfo> user_of_certificate(const crypto::Certificate& certificate) {
  crypto::Subject subject = certificate.subject();
  if (subject.common_name.empty()) return std::nullopt;
  UserInfo user;
  user.name = std::move(subject.common_name);
  user.groups = std::move(subject.organizations);
  user.extra[std::string(kCredentialId)] = {"X509SHA256=" + certificate.sha256_fingerprint()};
  return user;
}

}  // namespace tiphys::apiserver
