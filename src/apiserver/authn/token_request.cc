// ServiceAccountTokens::issue: the token subresource of service accounts.
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/registry/field_error.h"
#include "base/strings.h"
#include "kinds/authentication_v1.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

using authentication_v1::BoundObjectReference;
using authentication_v1::TokenRequest;
using authentication_v1::TokenRequestEdit;

ApiStatus uid_conflict(const BoundObjectReference& reference, std::string_view uid) {
  std::string why = "the UID in the bound object reference (" + std::string(uid) +
                    ") does not match the UID in record. The object might have been deleted and "
                    "then recreated";
  return ApiStatus::conflict("", reference.kind(), reference.name(), why);
}

ApiStatus account_conflict(std::string_view name, std::string_view wanted, std::string_view uid) {
  return ApiStatus::conflict("authentication.k8s.io", "TokenRequest", name,
                             "the UID in the token request (" + std::string(wanted) +
                                 ") does not match the UID of the service account (" +
                                 std::string(uid) + ")");
}

// Go's text of a GroupVersionKind: "batch/v1, Kind=Job", "/v1, Kind=Pod".
std::string kind_text(const BoundObjectReference& reference) {
  std::string version(reference.api_version());
  if (version.find('/') == std::string::npos) version.insert(0, 1, '/');
  return version + ", Kind=" + std::string(reference.kind());
}

}  // namespace

Result<void> ServiceAccountTokens::check_request(const Object& object) const {
  TokenRequest request(object);
  FieldErrors errors;
  FieldPath path = FieldPath("spec").child("expirationSeconds");
  if (request.spec().has_expiration_seconds()) {
    int64_t seconds = request.spec().expiration_seconds();
    if (seconds < kMinTokenSeconds) {
      errors.invalid(path, seconds, "may not specify a duration less than 10 minutes");
    }
    if (seconds > kMaxTokenSeconds) {
      errors.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds");
    }
  }
  if (errors.empty()) return {};
  return ApiStatus::invalid("authentication.k8s.io", "TokenRequest", "", errors.take());
}

Result<void> ServiceAccountTokens::bind_pod(std::string_view pod_name,
                                            ServiceAccountClaims& claims) const {
  ObjectPtr object = lookup_.get("", "pods", claims.ns, pod_name);
  if (!object) return ApiStatus::not_found("", "pods", pod_name);
  core_v1::Pod pod(*object);
  if (pod.spec().service_account_name() != claims.service_account.name) {
    return ApiStatus::bad_request("cannot bind token for serviceaccount " +
                                  go_quote(claims.service_account.name) +
                                  " to pod running with different serviceaccount name.");
  }
  claims.pod = {std::string(pod_name), std::string(pod.metadata().uid())};
  std::string_view node_name = pod.spec().node_name();
  if (node_name.empty()) return {};
  claims.node.name = node_name;
  ObjectPtr node = lookup_.get("", "nodes", "", node_name);
  if (node) claims.node.uid = core_v1::Node(*node).metadata().uid();
  return {};
}

Result<void> ServiceAccountTokens::bind(const Object& object, ServiceAccountClaims& claims) const {
  TokenRequest request(object);
  if (!request.spec().has_bound_object_ref()) return {};
  BoundObjectReference reference = request.spec().bound_object_ref();
  std::string_view kind = reference.api_version() == "v1" ? reference.kind() : "";
  std::string uid;
  if (kind == "Pod") {
    if (auto bound = bind_pod(reference.name(), claims); !bound) return bound;
    uid = claims.pod.uid;
  } else if (kind == "Secret") {
    ObjectPtr secret = lookup_.get("", "secrets", claims.ns, reference.name());
    if (!secret) return ApiStatus::not_found("", "secrets", reference.name());
    uid = core_v1::Secret(*secret).metadata().uid();
    claims.secret = {std::string(reference.name()), uid};
  } else if (kind == "Node") {
    ObjectPtr node = lookup_.get("", "nodes", "", reference.name());
    if (!node) return ApiStatus::not_found("", "nodes", reference.name());
    uid = core_v1::Node(*node).metadata().uid();
    claims.node = {std::string(reference.name()), uid};
  } else {
    return ApiStatus::bad_request("cannot bind token to object of type " + kind_text(reference));
  }
  if (!reference.uid().empty() && reference.uid() != uid) {
    return uid_conflict(reference, reference.uid());
  }
  return {};
}

bool ServiceAccountTokens::is_for_api(const std::vector<std::string>& audiences) const {
  return std::all_of(audiences.begin(), audiences.end(), [&](const std::string& audience) {
    const auto& own = options_.api_audiences;
    return std::find(own.begin(), own.end(), audience) != own.end();
  });
}

void ServiceAccountTokens::set_expiration(int64_t requested, ServiceAccountClaims& claims) const {
  int64_t now = clock_.wall() / kMicrosPerSecond;
  int64_t seconds = requested;
  bool extend = options_.extend_expiration && requested == kExtendableSeconds &&
                !claims.pod.name.empty() && is_for_api(claims.audiences);
  if (extend) {
    claims.warn_after = now + seconds;
    seconds = kExtendedSeconds;
  }
  claims.issued = now;
  claims.not_before = now;
  claims.expires = now + seconds;
}

Result<ObjectPtr> ServiceAccountTokens::issue(std::string_view ns, std::string_view name,
                                              const Object& object,
                                              std::vector<std::string>* warnings) {
  ObjectPtr found = lookup_.get("", "serviceaccounts", ns, name);
  if (!found) return ApiStatus::not_found("", "serviceaccounts", name);
  std::string_view uid = core_v1::ServiceAccount(*found).metadata().uid();
  TokenRequest request(object);
  std::string_view wanted_uid = request.metadata().uid();
  if (!wanted_uid.empty() && wanted_uid != uid) return account_conflict(name, wanted_uid, uid);
  if (auto good = check_request(object); !good) return good.error();
  ServiceAccountClaims claims;
  claims.ns = ns;
  claims.issuer = options_.issuers.front();
  claims.subject = service_account_username(ns, name);
  claims.token_id = random_.uuid();
  claims.service_account = {std::string(name), std::string(uid)};
  for (std::string_view audience : request.spec().audiences())
    claims.audiences.emplace_back(audience);
  if (claims.audiences.empty()) claims.audiences = options_.api_audiences;
  if (auto bound = bind(object, claims); !bound) return bound.error();
  int64_t seconds = request.spec().has_expiration_seconds() ? request.spec().expiration_seconds()
                                                            : kDefaultTokenSeconds;
  int64_t limit = options_.max_expiration_seconds;
  if (limit > 0 && seconds > limit) {
    warnings->push_back("requested expiration of " + std::to_string(seconds) +
                        " seconds shortened to " + std::to_string(limit) + " seconds");
    seconds = limit;
  }
  set_expiration(seconds, claims);
  std::string token = crypto::sign_jwt(encode_claims(claims), signing_key_);
  if (token.empty()) return ApiStatus::internal("failed to generate token: signing failed");

  Draft draft(object);
  TokenRequestEdit answer(draft);
  answer.edit_metadata().set_name(name);
  answer.edit_metadata().set_namespace(ns);
  answer.edit_metadata().set_uid(claims.service_account.uid);
  answer.edit_metadata().set_creation_timestamp(clock_.wall());
  auto spec = answer.edit_spec();
  spec.clear_audiences();
  for (const std::string& audience : claims.audiences) spec.edit_audiences().append(audience);
  spec.set_expiration_seconds(seconds);
  answer.edit_status().set_token(token);
  MicroTime expires = (claims.issued + seconds) * kMicrosPerSecond;
  // Of an extended token too: the kubelet is to renew it after the time that it asked for.
  answer.edit_status().set_expiration_timestamp(expires);
  return draft.freeze();
}

}  // namespace tiphys::apiserver
