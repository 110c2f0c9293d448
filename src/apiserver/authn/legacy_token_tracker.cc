#include "apiserver/authn/legacy_token_tracker.h"

#include "base/log.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNamespace = "kube-system";
constexpr std::string_view kConfigMap = "kube-apiserver-legacy-service-account-token-tracking";
constexpr std::string_view kSince = "since";
constexpr Duration kCreationPeriod = std::chrono::minutes(30);
constexpr Duration kPatience = std::chrono::seconds(5);  // with a store that fails

bool is_date(std::string_view text) {
  constexpr size_t kDateSize = 10;
  return text.size() == kDateSize && parse_rfc3339(std::string(text) + "T00:00:00Z");
}

}  // namespace

std::string date_text(MicroTime time) {
  std::string text = format_rfc3339(time);
  return text.substr(0, text.find('T'));
}

void LegacyTokenTracker::used(std::string_view ns, std::string_view secret) {
  if (unlabelled_.size() >= kMaxUnlabelled) return;
  unlabelled_.emplace(ns, secret);
  changed_.set();
}

Task<Result<void>> LegacyTokenTracker::keep_since() {
  ObjectPtr map = lookup_.get("", "configmaps", kNamespace, kConfigMap);
  if (map && is_date(core_v1::ConfigMap(*map).data().find(kSince))) co_return Result<void>();
  bool early = !map && made_ && loop_.mono() - *made_ < kCreationPeriod;
  if (early) co_return Result<void>();
  Draft draft = map ? Draft(*map) : core_v1::ConfigMap::make();
  core_v1::ConfigMapEdit edit(draft);
  edit.edit_metadata().set_name(kConfigMap);
  edit.edit_metadata().set_namespace(kNamespace);
  edit.edit_data().set(kSince, date_text(loop_.wall()));
  if (map) {
    Result<ObjectPtr> mended = co_await writes_.update(std::move(draft));
    if (!mended) co_return mended.error();
    co_return Result<void>();
  }
  const schema::Resource& maps = *schema::find_resource("", "v1", "configmaps");
  Result<ObjectPtr> made = co_await writes_.ensure(maps, std::string(kNamespace), std::move(draft));
  if (!made) co_return made.error();
  made_ = loop_.mono();
  co_return Result<void>();
}

Duration LegacyTokenTracker::until_creation() const {
  if (!made_ || lookup_.get("", "configmaps", kNamespace, kConfigMap)) return kCreationPeriod;
  return std::max<Duration>(*made_ + kCreationPeriod - loop_.mono(), kPatience);
}

Task<Result<void>> LegacyTokenTracker::label(std::string ns, std::string name) {
  ObjectPtr secret = lookup_.get("", "secrets", ns, name);
  if (!secret) co_return Result<void>();
  Draft draft(*secret);
  core_v1::SecretEdit(draft).edit_metadata().edit_labels().set(kLegacyTokenLastUsed,
                                                               date_text(loop_.wall()));
  Result<ObjectPtr> labelled = co_await writes_.update(std::move(draft));
  if (!labelled) co_return labelled.error();
  co_return Result<void>();
}

Task<void> LegacyTokenTracker::label_used() {
  while (!unlabelled_.empty()) {
    auto secret = unlabelled_.extract(unlabelled_.begin()).value();
    Result<void> done = co_await label(secret.first, secret.second);
    if (done) continue;
    LOG_ERROR("Failed to label legacy service account token secret with last-used",
              {"secret", secret.first + "/" + secret.second}, {"err", done.error()});
  }
}

Task<void> LegacyTokenTracker::run(StopToken stop) {
  lookup_.on_change("", "configmaps", [this](const ObjectPtr& old, const ObjectPtr& now) {
    const Object& map = now ? *now : *old;
    if (name_of(map) == kConfigMap && namespace_of(map) == kNamespace) changed_.set();
  });
  while (!stop.stop_requested()) {
    changed_.reset();
    Result<void> kept = co_await keep_since();
    if (!kept) {
      LOG_WARNING("The use of legacy tokens is not told to be tracked", {"err", kept.error()});
    }
    co_await label_used();
    (void)co_await changed_.wait(stop, kept ? until_creation() : kPatience);
  }
}

}  // namespace tiphys::apiserver
