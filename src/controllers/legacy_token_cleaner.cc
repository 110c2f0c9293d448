#include "controllers/legacy_token_cleaner.h"

#include <algorithm>

#include "base/log.h"
#include "controllers/resources.h"
#include "kinds/pod_references.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kType = "kubernetes.io/service-account-token";
constexpr std::string_view kName = "kubernetes.io/service-account.name";
constexpr std::string_view kUid = "kubernetes.io/service-account.uid";
constexpr std::string_view kLastUsed = "kubernetes.io/legacy-token-last-used";
constexpr std::string_view kInvalidSince = "kubernetes.io/legacy-token-invalid-since";
constexpr const char* kTracking = "kube-apiserver-legacy-service-account-token-tracking";
constexpr Duration kPeriod = std::chrono::hours(24);
constexpr const char* kRound = "";  // the only key

constexpr MicroTime micros(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

// "2006-01-02", in UTC.
std::string date_of(MicroTime time) { return format_rfc3339(time).substr(0, 10); }

std::optional<MicroTime> parse_date(std::string_view date) {
  if (date.size() != 10) return std::nullopt;
  Result<MicroTime> time = parse_rfc3339(std::string(date) + "T00:00:00Z");
  return time ? std::optional(*time) : std::nullopt;
}

// The use of tokens is noted from the day after on, at the latest.
std::optional<MicroTime> tracked_since(const Object& map) {
  std::optional<MicroTime> since = parse_date(core_v1::ConfigMap(map).data().find("since"));
  if (!since) return std::nullopt;
  return *since + micros(std::chrono::hours(24));
}

}  // namespace

LegacyTokenCleaner::LegacyTokenCleaner(Context context, Duration clean_up_period)
    : Controller(context, "legacy-serviceaccount-token-cleaner-controller"),
      period_(clean_up_period),
      accounts_(watch(service_accounts())),
      secrets_(watch(secrets())),
      pods_(watch(pods())) {}

void LegacyTokenCleaner::ready() { enqueue(kRound); }

bool LegacyTokenCleaner::made_for_account(const Object& secret) const {
  auto annotations = metadata(secret).annotations();
  ObjectPtr account = accounts_.get(namespace_of(secret), annotations.find(kName));
  std::string_view uid = annotations.find(kUid);
  if (!account || (!uid.empty() && uid != uid_of(*account))) return false;
  for (core_v1::ObjectReference listed : core_v1::ServiceAccount(*account).secrets()) {
    if (listed.name() == name_of(secret)) return true;
  }
  return false;
}

bool LegacyTokenCleaner::named_by_pod(const Object& secret) const {
  std::vector<ObjectPtr> all = pods_.list(namespace_of(secret));
  return std::ranges::any_of(all, [&secret](const ObjectPtr& pod) {
    return kinds::references_of(core_v1::Pod(*pod)).secrets.contains(std::string(name_of(secret)));
  });
}

LegacyTokenCleaner::Fate LegacyTokenCleaner::fate_of(const Object& secret, MicroTime now) const {
  MicroTime limit = now - micros(period_);
  bool candidate = core_v1::Secret(secret).type() == kType && !is_deleting(secret) &&
                   metadata(secret).creation_timestamp() < limit;
  if (!candidate) return Fate::kStays;
  auto labels = metadata(secret).labels();
  std::string_view used = labels.find(kLastUsed);
  // What is no date says nothing about its use.
  if (labels.contains(kLastUsed) && (!parse_date(used) || used >= date_of(limit))) {
    return Fate::kStays;
  }
  if (!made_for_account(secret) || named_by_pod(secret)) return Fate::kStays;
  std::string_view invalid = labels.find(kInvalidSince);
  if (!parse_date(invalid)) return Fate::kMarked;
  return invalid >= date_of(limit) ? Fate::kStays : Fate::kGoes;
}

Task<Result<void>> LegacyTokenCleaner::act(ObjectPtr secret, Fate fate, std::string today) {
  std::string ns(namespace_of(*secret));
  std::string name(name_of(*secret));
  Result<ObjectPtr> done;
  if (fate == Fate::kMarked) {
    std::string patch = "{\"metadata\":{\"uid\":\"" + std::string(uid_of(*secret)) +
                        "\",\"labels\":{\"" + std::string(kInvalidSince) + "\":\"" + today +
                        "\"}}}";
    done = co_await context_.client.patch(secrets(), ns, name, client::PatchType::kMerge,
                                          std::move(patch));
  } else {
    client::DeleteOptions options;
    options.resource_version = resource_version_of(*secret);
    done = co_await context_.client.remove(secrets(), ns, name, std::move(options));
  }
  if (!done) co_return done.error();
  LOG_INFO(fate == Fate::kMarked ? "Marked a legacy token as invalid" : "Deleted a legacy token",
           {"secret", client::object_key(*secret)});
  co_return Result<void>();
}

// What fails is tried again in the next round.
Task<Result<void>> LegacyTokenCleaner::sync(std::string key) {
  enqueue_after(key, kPeriod);
  Result<ObjectPtr> map = co_await context_.client.get(config_maps(), "kube-system", kTracking);
  if (!map) {
    LOG_V(2, "It is not known which legacy tokens are used", {"err", map.error()});
    co_return Result<void>();
  }
  MicroTime now = context_.loop.wall();
  std::optional<MicroTime> since = tracked_since(**map);
  if (!since || now < *since + micros(period_)) co_return Result<void>();
  std::vector<ObjectPtr> all = secrets_.list();
  for (size_t i = 0; i < all.size(); ++i) {
    Fate fate = fate_of(*all[i], now);
    if (fate == Fate::kStays) continue;
    Result<void> done = co_await act(all[i], fate, date_of(now));
    bool told = done || done.error().is_not_found() || done.error().code() == 409;
    if (!told) LOG_WARNING("Can't clean up a legacy token", {"err", done.error()});
  }
  co_return Result<void>();
}

}  // namespace tiphys::controllers
