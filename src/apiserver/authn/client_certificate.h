// Who a verified client certificate speaks for: the common name is the user, each organization a
// group. Pure. Upstream: apiserver/pkg/authentication/request/x509.
#pragma once
#include <optional>

#include "apiserver/user.h"
#include "crypto/certificate.h"

namespace tiphys::apiserver {

// Key of UserInfo::extra that names the credential ("X509SHA256=..." or "JTI=...").
inline constexpr std::string_view kCredentialId = "authentication.kubernetes.io/credential-id";

// Nothing if the certificate has no common name. The chain was verified by the TLS layer; a
// certificate that is not for client use is refused there.
std::optional<UserInfo> user_of_certificate(const crypto::Certificate& certificate);

}  // namespace tiphys::apiserver
