#include "apiserver/authn/service_account_claims.h"

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kUserPrefix = "system:serviceaccount:";
constexpr std::string_view kPrivateClaims = "kubernetes.io";
// The largest whole second that a MicroTime can hold.
constexpr int64_t kMaxSeconds = INT64_MAX / 1'000'000;

void add_reference(std::string& out, const char* key, const BoundReference& reference) {
  if (reference.name.empty()) return;
  out += std::string(",\"") + key + "\":{\"name\":";
  codec::append_json_string(reference.name, out);
  if (!reference.uid.empty()) {
    out += ",\"uid\":";
    codec::append_json_string(reference.uid, out);
  }
  out += '}';
}

std::string text_of(const Node& map, std::string_view key) {
  return std::string(map.find(key).as_text());
}

// A NumericDate (RFC 7519), which may have a fraction.
bool read_time(const Node& map, std::string_view key, int64_t& out) {
  const Value& value = map.find(key);
  if (value.is_null()) return true;
  double seconds = value.as_double(-1);
  if (!(seconds >= 0 && seconds < static_cast<double>(kMaxSeconds))) return false;
  out = static_cast<int64_t>(seconds);
  return true;
}

bool read_audiences(const Node& map, std::vector<std::string>& out) {
  const Value& value = map.find("aud");
  if (value.is_text()) {
    out.emplace_back(value.as_text());
    return true;
  }
  if (value.is_null()) return true;
  if (value.type != ValueType::kList) return false;
  for (const Value& item : value.as_node().items()) {
    if (!item.is_text()) return false;
    out.emplace_back(item.as_text());
  }
  return true;
}

BoundReference read_reference(const Node& map, std::string_view key) {
  const Value& value = map.find(key);
  if (value.type != ValueType::kMap) return {};
  return {text_of(value.as_node(), "name"), text_of(value.as_node(), "uid")};
}

void read_legacy(const Node& map, ServiceAccountClaims& claims) {
  claims.ns = text_of(map, "kubernetes.io/serviceaccount/namespace");
  claims.secret.name = text_of(map, "kubernetes.io/serviceaccount/secret.name");
  claims.service_account.name = text_of(map, "kubernetes.io/serviceaccount/service-account.name");
  claims.service_account.uid = text_of(map, "kubernetes.io/serviceaccount/service-account.uid");
}

}  // namespace

std::string encode_claims(const ServiceAccountClaims& claims) {
  std::string out = "{\"aud\":[";
  for (size_t i = 0; i < claims.audiences.size(); i++) {
    if (i > 0) out += ',';
    codec::append_json_string(claims.audiences[i], out);
  }
  out += "],\"exp\":" + std::to_string(claims.expires) +
         ",\"iat\":" + std::to_string(claims.issued) + ",\"iss\":";
  codec::append_json_string(claims.issuer, out);
  out += ",\"jti\":";
  codec::append_json_string(claims.token_id, out);
  out += ",\"kubernetes.io\":{\"namespace\":";
  codec::append_json_string(claims.ns, out);
  add_reference(out, "node", claims.node);
  add_reference(out, "pod", claims.pod);
  add_reference(out, "secret", claims.secret);
  add_reference(out, "serviceaccount", claims.service_account);
  if (claims.warn_after != 0) out += ",\"warnafter\":" + std::to_string(claims.warn_after);
  out += "},\"nbf\":" + std::to_string(claims.not_before) + ",\"sub\":";
  codec::append_json_string(claims.subject, out);
  out += '}';
  return out;
}

Result<ServiceAccountClaims> decode_claims(std::string_view json) {
  Arena arena;
  auto value = codec::decode_json_any(json, arena);
  if (!value || value->type != ValueType::kMap) {
    return ApiStatus::unauthorized("token claims are malformed");
  }
  const Node& map = value->as_node();
  ServiceAccountClaims claims;
  claims.issuer = text_of(map, "iss");
  claims.subject = text_of(map, "sub");
  claims.token_id = text_of(map, "jti");
  if (!read_audiences(map, claims.audiences) || !read_time(map, "exp", claims.expires) ||
      !read_time(map, "nbf", claims.not_before) || !read_time(map, "iat", claims.issued)) {
    return ApiStatus::unauthorized("token claims are malformed");
  }
  if (claims.issuer == kLegacyIssuer) {
    read_legacy(map, claims);
    return claims;
  }
  const Value& own = map.find(kPrivateClaims);
  if (own.type != ValueType::kMap) return claims;
  claims.ns = text_of(own.as_node(), "namespace");
  claims.service_account = read_reference(own.as_node(), "serviceaccount");
  claims.pod = read_reference(own.as_node(), "pod");
  claims.secret = read_reference(own.as_node(), "secret");
  claims.node = read_reference(own.as_node(), "node");
  if (!read_time(own.as_node(), "warnafter", claims.warn_after)) {
    return ApiStatus::unauthorized("token claims are malformed");
  }
  return claims;
}

std::string service_account_username(std::string_view ns, std::string_view name) {
  return std::string(kUserPrefix).append(ns).append(":").append(name);
}

bool split_service_account_username(std::string_view username, std::string_view& ns,
                                    std::string_view& name) {
  auto rest = cut_prefix(username, kUserPrefix);
  if (!rest) return false;
  size_t colon = rest->find(':');
  if (colon == rest->npos || rest->find(':', colon + 1) != rest->npos) return false;
  ns = rest->substr(0, colon);
  name = rest->substr(colon + 1);
  return !ns.empty() && !name.empty();
}

std::vector<std::string> service_account_groups(std::string_view ns) {
  return {"system:serviceaccounts", "system:serviceaccounts:" + std::string(ns)};
}

}  // namespace tiphys::apiserver
