#include "kubelet/server/request_access.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "kubelet/server/request_attributes.h"
#include "kubelet/server/responses.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kAuthenticated = "system:authenticated";

client::ReviewedUser user_of(const crypto::Certificate& certificate) {
  crypto::Subject subject = certificate.subject();
  return {subject.common_name, "", subject.organizations, {}};
}

// The token of "Bearer x"; empty: none.
std::string bearer_token(const std::string& authorization) {
  std::vector<std::string_view> parts = split(trim(authorization), ' ');
  if (parts.size() < 2 || to_lower(parts[0]) != "bearer") return {};
  return std::string(parts[1]);
}

std::string described(const client::ReviewedUser& user, std::string_view verb) {
  return "(user=" + user.name + ", verb=" + std::string(verb) + ", resource=nodes, ";
}

}  // namespace

RequestAccess::RequestAccess(const Clock& clock, client::Client& client, const Options& options)
    : clock_(clock),
      options_(options),
      tokens_(clock, client, options.token_cache_ttl),
      access_(clock, client, options.authorized_ttl, options.unauthorized_ttl) {}

RequestAccess::Call RequestAccess::call_of(const net::Request& request) {
  return {request.method, request.path, std::string(request.headers.get("authorization")),
          request.peer_certificate};
}

Task<Result<std::optional<client::ReviewedUser>>> RequestAccess::authenticate(Call call) {
  std::optional<client::ReviewedUser> user;
  bool over = call.peer && call.peer->is_over(clock_.wall());
  if (call.peer && !over) user = user_of(*call.peer);
  std::string token = bearer_token(call.authorization);
  if (!user && options_.authentication_webhook && !token.empty()) {
    auto reviewed = co_await tokens_.review(std::move(token));
    if (!reviewed) co_return reviewed.error();
    if (!*reviewed) co_return ApiStatus::unauthorized("invalid bearer token");
    user = std::move(**reviewed);
  }
  if (user) {
    if (std::ranges::find(user->groups, kAuthenticated) == user->groups.end()) {
      user->groups.emplace_back(kAuthenticated);
    }
  } else if (over) {
    co_return ApiStatus::unauthorized("x509: certificate has expired");
  } else if (options_.anonymous_auth) {
    user = client::ReviewedUser{"system:anonymous", "", {"system:unauthenticated"}, {}};
  }
  co_return user;
}

Task<Result<bool>> RequestAccess::may(client::ReviewedUser user, std::string verb,
                                      std::string subresource) {
  if (options_.authorization_always_allow) co_return true;
  Draft draft = authorization_v1::SubjectAccessReview::make();
  auto spec = authorization_v1::SubjectAccessReviewEdit(draft).edit_spec();
  client::set_user(spec, user);
  auto asked = spec.edit_resource_attributes();
  asked.set_verb(verb);
  asked.set_version("v1");
  asked.set_resource("nodes");
  asked.set_subresource(subresource);
  asked.set_name(options_.node_name);
  co_return co_await access_.allows(draft.freeze());
}

Task<std::optional<net::Response>> RequestAccess::refusal(Call call) {
  auto user = co_await authenticate(call);
  if (!user) {
    LOG_WARNING("Unable to authenticate the request due to an error", {"err", user.error()});
  }
  if (!user || !*user) co_return text_response(401, "Unauthorized");
  std::string verb(request_verb(call.method));
  std::vector<std::string> subresources =
      request_subresources(percent_decode(call.path, false).value_or(call.path));
  for (const std::string& subresource : subresources) {
    Result<bool> allowed = co_await may(**user, verb, subresource);
    if (!allowed) {
      std::string asked = described(**user, verb) + "subresource=" + subresource + ")";
      LOG_WARNING("Authorization error", {"asked", asked}, {"err", allowed.error()});
      co_return text_response(500, "Authorization error " + asked);
    }
    if (*allowed) co_return std::nullopt;
  }
  co_return text_response(403, "Forbidden " + described(**user, verb) + "subresource(s)=[" +
                                   join(subresources, " ") + "])\n");
}

}  // namespace tiphys::kubelet
