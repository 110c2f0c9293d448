#include "main/caller_access.h"

#include <algorithm>

#include "base/strings.h"
#include "net/text_response.h"

namespace tiphys {
namespace {

constexpr std::string_view kAuthenticated = "system:authenticated";
constexpr std::string_view kBearer = "bearer ";

ApiStatus nobody() { return ApiStatus::unauthorized("Unauthorized"); }

bool is_in(const client::ReviewedUser& user, std::string_view group) {
  return std::ranges::find(user.groups, group) != user.groups.end();
}

client::ReviewedUser authenticated(client::ReviewedUser user) {
  if (!is_in(user, kAuthenticated)) user.groups.emplace_back(kAuthenticated);
  return user;
}

}  // namespace

CallerAccess::CallerAccess(const Clock& clock, client::Client& authentication,
                           client::Client& authorization, Options options)
    : clock_(clock),
      options_(std::move(options)),
      tokens_(clock, authentication, options_.token_ttl),
      access_(clock, authorization, options_.authorized_ttl, options_.unauthorized_ttl) {}

Task<std::optional<net::Response>> CallerAccess::refusal(Call call) {
  Result<client::ReviewedUser> user = co_await who(std::move(call.headers), std::move(call.peer));
  if (!user) co_return net::text_response(401, "Unauthorized\n");
  Result<bool> allowed = co_await may(*user, call.path, call.verb);
  if (!allowed) co_return net::text_response(500, std::string(allowed.error().message()) + "\n");
  if (*allowed) co_return std::nullopt;
  co_return net::text_response(403, "forbidden: User \"" + user->name + "\" cannot " + call.verb +
                                        " path \"" + call.path + "\"\n");
}

// By certificate or headers; nothing: neither says. The handshake has verified the certificate, but
// not told by which CA.
Result<std::optional<client::ReviewedUser>> CallerAccess::peer_user(
    const crypto::Certificate& peer, const net::Headers& headers) const {
  std::optional<client::ReviewedUser> unknown;
  if (options_.proxies) {
    TIPHYS_TRY(std::optional<client::ReviewedUser>, named, options_.proxies->user(peer, headers));
    if (named) return named;
    if (options_.client_authorities.empty()) return unknown;
    if (!signed_by_any(peer, options_.client_authorities)) return nobody();
  }
  crypto::Subject subject = peer.subject();
  return std::optional(client::ReviewedUser{subject.common_name, "", subject.organizations, {}});
}

Task<Result<client::ReviewedUser>> CallerAccess::who(
    net::Headers headers, std::shared_ptr<const crypto::Certificate> peer) {
  bool over = peer && peer->is_over(clock_.wall());
  if (peer && !over) {
    Result<std::optional<client::ReviewedUser>> user = peer_user(*peer, headers);
    if (!user) co_return user.error();
    if (*user) co_return authenticated(std::move(**user));
  }
  std::string authorization(headers.get("authorization"));
  if (!to_lower(authorization).starts_with(kBearer)) {
    if (over) co_return nobody();
    co_return client::ReviewedUser{"system:anonymous", "", {"system:unauthenticated"}, {}};
  }
  std::string token(trim(std::string_view(authorization).substr(kBearer.size())));
  auto user = co_await tokens_.review(std::move(token));
  if (!user) co_return user.error();
  if (!*user) co_return nobody();
  co_return authenticated(std::move(**user));
}

Task<Result<bool>> CallerAccess::may(client::ReviewedUser user, std::string path,
                                     std::string verb) {
  if (is_in(user, "system:masters")) co_return true;
  Draft draft = authorization_v1::SubjectAccessReview::make();
  auto spec = authorization_v1::SubjectAccessReviewEdit(draft).edit_spec();
  client::set_user(spec, user);
  spec.edit_non_resource_attributes().set_path(path);
  spec.edit_non_resource_attributes().set_verb(verb);
  co_return co_await access_.allows(draft.freeze());
}

}  // namespace tiphys
