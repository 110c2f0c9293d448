// The claims of service account tokens (KEP-1205, KEP-4193), to and from JSON. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/user.h"
#include "base/result.h"

namespace tiphys::apiserver {

// An object that a token is bound to; empty name: none.
struct BoundReference {
  std::string name;
  std::string uid;
};

// The issuer of tokens that stand in Secrets of type kubernetes.io/service-account-token.
inline constexpr std::string_view kLegacyIssuer = "kubernetes/serviceaccount";

struct ServiceAccountClaims {
  std::string issuer;
  std::string subject;  // system:serviceaccount:NS:NAME
  std::string token_id;
  std::vector<std::string> audiences;
  int64_t expires = 0;  // seconds since the epoch; 0: absent
  int64_t not_before = 0;
  int64_t issued = 0;
  int64_t warn_after = 0;
  std::string ns;
  BoundReference service_account;
  BoundReference pod;
  BoundReference secret;
  BoundReference node;
};

std::string encode_claims(const ServiceAccountClaims& claims);
// Of tokens in Secrets, too. Error: Unauthorized for what is no such claims; members of other
// issuers' tokens are skipped.
Result<ServiceAccountClaims> decode_claims(std::string_view json);

// "system:serviceaccount:NS:NAME" and back (false: it is none).
std::string service_account_username(std::string_view ns, std::string_view name);
bool split_service_account_username(std::string_view username, std::string_view& ns,
                                    std::string_view& name);
// system:serviceaccounts and system:serviceaccounts:NS.
std::vector<std::string> service_account_groups(std::string_view ns);

}  // namespace tiphys::apiserver
