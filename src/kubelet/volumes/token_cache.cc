#include "kubelet/volumes/token_cache.h"

#include <algorithm>
#include <set>

#include "kinds/authentication_v1.h"
#include "kubelet/volumes/volume_kinds.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kMaxAge = 24 * 3600 * kMicrosPerSecond;
constexpr uint64_t kMaxJitter = 10 * kMicrosPerSecond;

}  // namespace

TokenCache::TokenCache(Loop& loop, client::Client& client, Random& random)
    : loop_(loop), client_(client), random_(random) {}

Task<Tokens> TokenCache::get(ObjectPtr pod) {
  std::set<TokenRequestKey> wanted;
  std::set<std::string, std::less<>> used = used_volumes(core_v1::Pod(*pod).spec());
  for (core_v1::Volume volume : core_v1::Pod(*pod).spec().volumes()) {
    if (!used.contains(volume.name())) continue;
    for (core_v1::VolumeProjection source : volume.projected().sources()) {
      if (source.has_service_account_token()) {
        wanted.insert(token_key(source.service_account_token()));
      }
    }
  }
  Tokens out;
  for (const TokenRequestKey& key : wanted) {
    Result<std::string> token = co_await get_one(pod, key);
    out.emplace(key, std::move(token));
  }
  co_return out;
}

Task<Result<std::string>> TokenCache::get_one(ObjectPtr pod, TokenRequestKey key) {
  auto present = tokens_.find(key);
  if (present != tokens_.end() && loop_.wall() < present->second.renew_at) {
    co_return present->second.text;
  }
  Result<ObjectPtr> made = co_await request(pod, key);
  MicroTime now = loop_.wall();
  if (!made) {
    present = tokens_.find(key);
    if (present != tokens_.end() && now < present->second.expires_at) {
      co_return present->second.text;
    }
    co_return ApiStatus::internal("failed to fetch token: " + made.error().message());
  }
  authentication_v1::TokenRequest issued(**made);
  Token& token = tokens_[key];
  token.text = std::string(issued.status().token());
  token.expires_at = issued.status().expiration_timestamp();
  token.renew_at = now + std::min((token.expires_at - now) / 5 * 4, kMaxAge) -
                   static_cast<MicroTime>(random_.below(kMaxJitter));
  co_return token.text;
}

Task<Result<ObjectPtr>> TokenCache::request(ObjectPtr pod, TokenRequestKey key) {
  core_v1::Pod of(*pod);
  Draft draft = authentication_v1::TokenRequest::make();
  authentication_v1::TokenRequestEdit edit(draft);
  if (!key.audience.empty()) edit.edit_spec().edit_audiences().append(key.audience);
  edit.edit_spec().set_expiration_seconds(key.seconds);
  auto bound = edit.edit_spec().edit_bound_object_ref();
  bound.set_kind("Pod");
  bound.set_api_version("v1");
  bound.set_name(of.metadata().name());
  bound.set_uid(of.metadata().uid());
  std::string account(of.spec().service_account_name());
  if (account.empty()) account = "default";
  co_return co_await client_.create_subresource(*schema::find_resource("", "v1", "serviceaccounts"),
                                                std::string(of.metadata().namespace_()), account,
                                                "token", draft.freeze());
}

}  // namespace tiphys::kubelet
