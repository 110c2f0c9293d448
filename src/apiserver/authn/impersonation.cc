#include "apiserver/authn/impersonation.h"

#include "apiserver/authn/service_account_claims.h"
#include "apiserver/authz/forbidden.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kUserHeader = "impersonate-user";
constexpr std::string_view kGroupHeader = "impersonate-group";
constexpr std::string_view kUidHeader = "impersonate-uid";
constexpr std::string_view kExtraPrefix = "impersonate-extra-";
constexpr std::string_view kAuthenticationGroup = "authentication.k8s.io";

struct Wanted {
  UserInfo user;
  size_t headers = 0;
};

Wanted read_headers(const net::Headers& headers) {
  Wanted wanted;
  for (const net::Headers::Entry& entry : headers.entries()) {
    if (!entry.name.starts_with("impersonate-")) continue;
    if (entry.name == kUserHeader) {
      if (wanted.user.name.empty()) wanted.user.name = entry.value;
    } else if (entry.name == kGroupHeader) {
      wanted.user.groups.push_back(entry.value);
    } else if (entry.name == kUidHeader) {
      if (wanted.user.uid.empty()) wanted.user.uid = entry.value;
    } else if (auto key = cut_prefix(entry.name, kExtraPrefix)) {
      std::string name = percent_decode(*key, false).value_or(std::string(*key));
      wanted.user.extra[name].push_back(entry.value);
    } else {
      continue;
    }
    wanted.headers++;
  }
  return wanted;
}

Attributes asking(std::string_view group, std::string_view resource, std::string_view name) {
  Attributes attributes;
  attributes.is_resource = true;
  attributes.verb = "impersonate";
  attributes.group = group;
  // Upstream leaves the version to the kind's: v1 for all.
  attributes.version = "v1";
  attributes.resource = resource;
  attributes.name = name;
  return attributes;
}

std::vector<Attributes> questions(const UserInfo& wanted) {
  std::vector<Attributes> list;
  std::string_view ns;
  std::string_view name;
  if (split_service_account_username(wanted.name, ns, name)) {
    list.push_back(asking("", "serviceaccounts", name));
    list.back().ns = ns;
  } else {
    list.push_back(asking("", "users", wanted.name));
  }
  for (const std::string& group : wanted.groups) list.push_back(asking("", "groups", group));
  for (const auto& [key, values] : wanted.extra) {
    for (const std::string& value : values) {
      list.push_back(asking(kAuthenticationGroup, "userextras", value));
      list.back().subresource = key;
    }
  }
  if (!wanted.uid.empty()) list.push_back(asking(kAuthenticationGroup, "uids", wanted.uid));
  return list;
}

// The groups that a real log-in as this user would have brought.
void complete_groups(UserInfo& user) {
  std::string_view ns;
  std::string_view name;
  if (user.groups.empty() && split_service_account_username(user.name, ns, name)) {
    user.groups = service_account_groups(ns);
  }
  if (user.name == kAnonymous) {
    if (!user.in_group(kAllUnauthenticated)) user.groups.emplace_back(kAllUnauthenticated);
  } else if (!user.in_group(kAllAuthenticated) && !user.in_group(kAllUnauthenticated)) {
    user.groups.emplace_back(kAllAuthenticated);
  }
}

}  // namespace

Result<std::optional<UserInfo>> impersonate(const net::Headers& headers, const UserInfo& requestor,
                                            Authorizer& authorizer) {
  Wanted wanted = read_headers(headers);
  if (wanted.headers == 0) return std::optional<UserInfo>();
  if (wanted.headers > kMaxImpersonationHeaders) {
    return ApiStatus::bad_request("too many impersonation headers");
  }
  if (wanted.user.name.empty()) {
    if (wanted.user.groups.empty() && wanted.user.extra.empty() && wanted.user.uid.empty()) {
      return std::optional<UserInfo>();
    }
    return ApiStatus::internal("requested groups, uid or extra without impersonating a user");
  }
  for (const Attributes& question : questions(wanted.user)) {
    Verdict verdict = authorizer.authorize(requestor, question);
    if (verdict.decision != Decision::kAllow) {
      return forbidden_status(requestor, question, verdict.reason);
    }
  }
  complete_groups(wanted.user);
  return std::optional(std::move(wanted.user));
}

}  // namespace tiphys::apiserver
