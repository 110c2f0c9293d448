#include "apiserver/authn/service_account_tokens.h"

#include "apiserver/authn/client_certificate.h"
#include "apiserver/authn/legacy_token_tracker.h"
#include "codec/codec.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr MicroTime kDay = 86400 * kMicrosPerSecond;
constexpr std::string_view kPodName = "authentication.kubernetes.io/pod-name";
constexpr std::string_view kPodUid = "authentication.kubernetes.io/pod-uid";
constexpr std::string_view kNodeName = "authentication.kubernetes.io/node-name";
constexpr std::string_view kNodeUid = "authentication.kubernetes.io/node-uid";

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void add_extra(UserInfo& user, std::string_view key, const std::string& value) {
  if (!value.empty()) user.extra[std::string(key)] = {value};
}

UserInfo user_of(const ServiceAccountClaims& claims) {
  UserInfo user;
  user.name = service_account_username(claims.ns, claims.service_account.name);
  user.uid = claims.service_account.uid;
  user.groups = service_account_groups(claims.ns);
  if (!claims.token_id.empty()) add_extra(user, kCredentialId, "JTI=" + claims.token_id);
  add_extra(user, kPodName, claims.pod.name);
  add_extra(user, kPodUid, claims.pod.uid);
  add_extra(user, kNodeName, claims.node.name);
  add_extra(user, kNodeUid, claims.node.uid);
  return user;
}

// Those of `wanted` that the token is for.
std::vector<std::string> intersect(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& have) {
  std::vector<std::string> common;
  for (const std::string& audience : wanted) {
    if (contains(have, audience)) common.push_back(audience);
  }
  return common;
}

meta_v1::ObjectMeta metadata_of(const Object& object) {
  int16_t field = object.type().metadata_field;
  if (field < 0) return meta_v1::ObjectMeta();
  return meta_v1::ObjectMeta(object.root().field(static_cast<uint16_t>(field)).as_node());
}

}  // namespace

ServiceAccountTokens::ServiceAccountTokens(ServiceAccountOptions options,
                                           crypto::PrivateKey signing_key,
                                           std::vector<crypto::VerificationKey> verification_keys,
                                           const Lookup& lookup, const Clock& clock, Random& random)
    : options_(std::move(options)),
      signing_key_(std::move(signing_key)),
      keys_(std::move(verification_keys)),
      lookup_(lookup),
      clock_(clock),
      random_(random) {
  if (options_.api_audiences.empty()) options_.api_audiences = options_.issuers;
}

Result<std::optional<Authenticated>> ServiceAccountTokens::authenticate(
    std::string_view token, const std::vector<std::string>& audiences) {
  auto claims = verified_claims(token);
  if (!claims) return claims.error();
  if (claims->issuer.empty()) return std::optional<Authenticated>();
  if (claims->issuer == kLegacyIssuer) {
    TIPHYS_TRY(Authenticated, legacy, authenticate_legacy(token, *claims, audiences));
    return std::optional(std::move(legacy));
  }
  if (auto good = check_times(*claims); !good) return good.error();
  const auto& wanted = audiences.empty() ? options_.api_audiences : audiences;
  Authenticated result;
  result.audiences = intersect(wanted, claims->audiences);
  if (result.audiences.empty()) {
    return ApiStatus::unauthorized("token audiences are invalid for the target audiences");
  }
  if (auto good = check_objects(*claims); !good) return good.error();
  result.user = user_of(*claims);
  int64_t seconds = clock_.wall() / kMicrosPerSecond - claims->warn_after;
  if (claims->warn_after != 0 && seconds > 0) {
    result.annotations.emplace_back(
        "authentication.k8s.io/stale-token",
        "subject: " + claims->subject +
            ", seconds after warning threshold: " + std::to_string(seconds));
    ++uses_.stale;
  } else if (claims->warn_after != 0) {
    ++uses_.valid;
  }
  return std::optional(std::move(result));
}

// Claims without issuer: not a token of ours.
Result<ServiceAccountClaims> ServiceAccountTokens::verified_claims(std::string_view token) {
  if (token.size() > crypto::kMaxTokenBytes) return ApiStatus::unauthorized("token is too large");
  std::string digest = crypto::sha256(token);
  auto known = remembered_.find(digest);
  if (known != remembered_.end()) return known->second;
  auto unverified = crypto::unverified_claims(token);
  if (!unverified) return ServiceAccountClaims{};
  TIPHYS_TRY(ServiceAccountClaims, claims, decode_claims(*unverified));
  bool ours = claims.issuer == kLegacyIssuer || contains(options_.issuers, claims.issuer);
  if (!ours) return ServiceAccountClaims{};
  auto verified = crypto::verify_jwt(token, keys_);
  if (!verified) return verified.error();
  std::string_view ns = claims.ns;
  if (claims.subject != service_account_username(ns, claims.service_account.name)) {
    return ApiStatus::unauthorized("token subject does not match its service account");
  }
  if (remembered_.size() >= kMaxRemembered) remembered_.clear();
  remembered_.emplace(std::move(digest), claims);
  return claims;
}

Result<Authenticated> ServiceAccountTokens::authenticate_legacy(
    std::string_view token, const ServiceAccountClaims& claims,
    const std::vector<std::string>& audiences) {
  ++uses_.legacy;
  Authenticated result;
  result.annotations.emplace_back("authentication.k8s.io/legacy-token", claims.subject);
  const auto& wanted = audiences.empty() ? options_.api_audiences : audiences;
  result.audiences = intersect(wanted, options_.api_audiences);
  if (result.audiences.empty()) {
    return ApiStatus::unauthorized("token audiences are invalid for the target audiences");
  }
  if (auto good = check_legacy(token, claims); !good) return good.error();
  if (auto good = track_legacy(claims, &result); !good) return good.error();
  result.user = user_of(claims);
  return result;
}

Result<void> ServiceAccountTokens::check_legacy(std::string_view token,
                                                const ServiceAccountClaims& claims) const {
  ObjectPtr object = lookup_.get("", "secrets", claims.ns, claims.secret.name);
  if (!object || metadata_of(*object).has_deletion_timestamp()) {
    return ApiStatus::unauthorized("Token has been invalidated");
  }
  // Its signature has been verified, so comparing tells nobody anything.
  core_v1::Secret secret(*object);
  if (secret.data().find("token") != token) {
    return ApiStatus::unauthorized("Token does not match server's copy");
  }
  ObjectPtr account = lookup_.get("", "serviceaccounts", claims.ns, claims.service_account.name);
  std::string name = claims.ns + "/" + claims.service_account.name;
  if (!account || metadata_of(*account).has_deletion_timestamp()) {
    return ApiStatus::unauthorized("ServiceAccount " + name + " has been deleted");
  }
  std::string_view uid = metadata_of(*account).uid();
  if (uid != claims.service_account.uid) {
    return ApiStatus::unauthorized("ServiceAccount UID (" + std::string(uid) +
                                   ") does not match claim (" + claims.service_account.uid + ")");
  }
  return {};
}

Result<void> ServiceAccountTokens::track_legacy(const ServiceAccountClaims& claims,
                                                Authenticated* result) {
  ObjectPtr object = lookup_.get("", "secrets", claims.ns, claims.secret.name);
  ObjectPtr account = lookup_.get("", "serviceaccounts", claims.ns, claims.service_account.name);
  auto labels = core_v1::Secret(*object).metadata().labels();
  std::string_view last = labels.find(kLegacyTokenLastUsed);
  // Of two servers one may have tomorrow already.
  MicroTime now = clock_.wall();
  bool noted = last == date_text(now) || last == date_text(now + kDay);
  if (!noted && secret_used_) secret_used_(claims.ns, claims.secret.name);
  if (!labels.find(kLegacyTokenInvalidSince).empty()) {
    ++uses_.legacy_invalid;
    return ApiStatus::unauthorized(
        "the token in secret " + claims.ns + "/" + claims.secret.name + " for service account " +
        claims.ns + "/" + claims.service_account.name +
        " has been marked invalid. Use tokens from the TokenRequest API or manually created "
        "secret-based tokens, or remove the '" +
        std::string(kLegacyTokenInvalidSince) +
        "' label from the secret to temporarily allow use of this token");
  }
  bool automatic = false;
  for (core_v1::ObjectReference one : core_v1::ServiceAccount(*account).secrets()) {
    automatic = automatic || one.name() == claims.secret.name;
  }
  ++(automatic ? uses_.legacy_auto : uses_.legacy_manual);
  result->annotations.emplace_back(automatic
                                       ? "authentication.k8s.io/legacy-token-autogenerated-secret"
                                       : "authentication.k8s.io/legacy-token-manual-secret",
                                   claims.secret.name);
  if (automatic) {
    result->warnings.emplace_back(
        "Use tokens from the TokenRequest API or manually created secret-based tokens instead of "
        "auto-generated secret-based tokens.");
  }
  return {};
}

Result<void> ServiceAccountTokens::check_times(const ServiceAccountClaims& claims) const {
  MicroTime now = clock_.wall();
  if (claims.expires == 0 || now >= claims.expires * kMicrosPerSecond) {
    return ApiStatus::unauthorized("service account token has expired");
  }
  if (now < claims.not_before * kMicrosPerSecond || now < claims.issued * kMicrosPerSecond) {
    return ApiStatus::unauthorized("service account token is not valid yet");
  }
  return {};
}

Result<void> ServiceAccountTokens::check_bound(const char* what, const ObjectPtr& object,
                                               const BoundReference& reference) const {
  if (!object) {
    return ApiStatus::unauthorized(std::string("service account token has been invalidated: ") +
                                   what + " " + reference.name + " is gone");
  }
  meta_v1::ObjectMeta metadata = metadata_of(*object);
  if (metadata.has_deletion_timestamp() &&
      metadata.deletion_timestamp() < clock_.wall() - kDeletionLeeway) {
    return ApiStatus::unauthorized(std::string(what) + " has been deleted");
  }
  if (metadata.uid() != reference.uid) {
    return ApiStatus::unauthorized(std::string(what) + " UID (" + std::string(metadata.uid()) +
                                   ") does not match claim (" + reference.uid + ")");
  }
  return {};
}

Result<void> ServiceAccountTokens::check_objects(const ServiceAccountClaims& claims) const {
  const BoundReference& account = claims.service_account;
  auto good = check_bound("service account",
                          lookup_.get("", "serviceaccounts", claims.ns, account.name), account);
  if (good && !claims.secret.name.empty()) {
    auto secret = lookup_.get("", "secrets", claims.ns, claims.secret.name);
    good = check_bound("secret", secret, claims.secret);
  }
  if (good && !claims.pod.name.empty()) {
    good = check_bound("pod", lookup_.get("", "pods", claims.ns, claims.pod.name), claims.pod);
  } else if (good && !claims.node.name.empty()) {
    // Of a pod's token the node only tells where the pod ran.
    good = check_bound("node", lookup_.get("", "nodes", "", claims.node.name), claims.node);
  }
  return good;
}

std::string ServiceAccountTokens::jwks_json() const {
  std::string out = "{\"keys\":[";
  for (size_t i = 0; i < keys_.size(); i++) {
    if (i > 0) out += ',';
    out += keys_[i].jwk_json();
  }
  return out + "]}";
}

std::string ServiceAccountTokens::discovery_json(std::string_view jwks_uri) const {
  std::string out = "{\"issuer\":";
  codec::append_json_string(options_.issuers.front(), out);
  out += ",\"jwks_uri\":";
  codec::append_json_string(jwks_uri, out);
  out +=
      ",\"response_types_supported\":[\"id_token\"],\"subject_types_supported\":[\"public\"],"
      "\"id_token_signing_alg_values_supported\":[";
  std::set<std::string> algorithms;
  for (const auto& key : keys_) algorithms.insert(key.algorithm());
  bool first = true;
  for (const std::string& algorithm : algorithms) {
    if (!first) out += ',';
    first = false;
    codec::append_json_string(algorithm, out);
  }
  return out + "]}";
}

}  // namespace tiphys::apiserver
