#include "apiserver/authn/bootstrap_tokens.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kType = "bootstrap.kubernetes.io/token";
constexpr std::string_view kNamePrefix = "bootstrap-token-";
constexpr std::string_view kUserPrefix = "system:bootstrap:";
constexpr std::string_view kGroup = "system:bootstrappers";
constexpr size_t kIdSize = 6;
constexpr size_t kSecretSize = 16;
constexpr size_t kMaxGroupSize = 256;  // after "system:bootstrappers:"

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_token(std::string_view text) {
  if (text.size() != kIdSize + 1 + kSecretSize || text[kIdSize] != '.') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '.' || is_lower_or_digit(c); }) &&
         std::count(text.begin(), text.end(), '.') == 1;
}

// In a time that says nothing about where they differ.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned differences = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    differences |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return differences == 0;
}

// system:bootstrappers:<more>, of lower case letters, digits, colons and dashes.
bool is_group(std::string_view group) {
  auto rest = cut_prefix(group, std::string(kGroup) + ":");
  if (!rest || rest->empty() || rest->size() > kMaxGroupSize) return false;
  bool good = std::all_of(rest->begin(), rest->end(),
                          [](char c) { return c == ':' || c == '-' || is_lower_or_digit(c); });
  return good && is_lower_or_digit(rest->back());
}

// Nothing: a group is malformed.
std::optional<std::vector<std::string>> groups_of(std::string_view text) {
  std::vector<std::string> groups{std::string(kGroup)};
  if (text.empty()) return groups;
  for (std::string_view group : split(text, ',')) {
    if (!is_group(trim(group))) return std::nullopt;
    groups.emplace_back(trim(group));
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

bool is_expired(std::string_view text, MicroTime now) {
  if (text.empty()) return false;
  auto end = parse_rfc3339(text);
  return !end || *end < now;
}

}  // namespace

std::optional<UserInfo> BootstrapTokens::find(std::string_view token) const {
  if (!is_token(token)) return std::nullopt;
  std::string id(token.substr(0, kIdSize));
  ObjectPtr object = lookup_.get("", "secrets", "kube-system", std::string(kNamePrefix) + id);
  if (!object) return std::nullopt;
  core_v1::Secret secret(*object);
  auto data = secret.data();
  bool good = !secret.metadata().has_deletion_timestamp() && secret.type() == kType &&
              same_secret(data.find("token-secret"), token.substr(kIdSize + 1)) &&
              data.find("token-id") == id && !is_expired(data.find("expiration"), clock_.wall()) &&
              data.find("usage-bootstrap-authentication") == "true";
  auto groups = groups_of(data.find("auth-extra-groups"));
  if (!good || !groups) {
    LOG_V(3, "Bootstrap token refused", {"id", id});
    return std::nullopt;
  }
  UserInfo user;
  user.name = std::string(kUserPrefix) + id;
  user.groups = std::move(*groups);
  return user;
}

}  // namespace tiphys::apiserver
