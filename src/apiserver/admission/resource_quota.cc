// ResourceQuota: objects that would exceed a quota of their namespace are refused; what is admitted
// is charged in the quotas' status before the object is written. Requests of one namespace take
// turns, so that no two of them are charged on the same sum; a status that somebody else changed
// meanwhile is read again. Upstream: apiserver/pkg/admission/plugin/resourcequota.
#include <map>

#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/quota_charge.h"

namespace tiphys::apiserver {
namespace {

constexpr Duration kMaxWait = std::chrono::seconds(10);
constexpr int kMaxRetries = 3;  // after conflicts with other writers of a quota

// The requests of one namespace, one at a time.
class Turns {
 public:
  explicit Turns(Loop& loop) : loop_(loop) {}

  // False: it took too long.
  Task<bool> take(std::string ns) {
    Line& line = lines_.try_emplace(ns, loop_).first->second;
    ++line.waiting;
    bool in_time = true;
    while (line.taken && in_time) in_time = co_await line.free.wait({}, kMaxWait);
    --line.waiting;
    if (!in_time) co_return false;
    line.taken = true;
    line.free.reset();
    co_return true;
  }
  void give_back(const std::string& ns) {
    auto line = lines_.find(ns);
    line->second.taken = false;
    line->second.free.set();
    if (line->second.waiting == 0) lines_.erase(line);
  }

 private:
  struct Line {
    explicit Line(Loop& loop) : free(loop) {}
    Event free;
    int waiting = 0;
    bool taken = false;
  };
  Loop& loop_;
  std::map<std::string, Line> lines_;
};

class ResourceQuotaPlugin : public AdmissionPlugin {
 public:
  ResourceQuotaPlugin(const Lookup& lookup, Loop& loop, StatusWriter write)
      : lookup_(lookup), turns_(loop), write_(std::move(write)) {}
  std::string_view name() const override { return "ResourceQuota"; }

  Task<Result<void>> validate(AdmissionRequest& request) override {
    if (!may_cost_quota(request) || quotas_of(request.ns).empty()) co_return Result<void>();
    std::string ns = request.ns;
    bool mine = co_await turns_.take(ns);
    if (!mine) co_return ApiStatus::internal("resource quota evaluation timed out");
    Result<void> verdict = co_await charge_all(request);
    turns_.give_back(ns);
    co_return verdict;
  }

 private:
  std::vector<RunningQuota> quotas_of(const std::string& ns) const {
    std::vector<RunningQuota> quotas;
    for (ObjectPtr& object : lookup_.list("", "resourcequotas", ns)) {
      quotas.emplace_back(std::move(object));
    }
    return quotas;
  }

  Task<Result<void>> charge_all(AdmissionRequest& request) {
    std::vector<RunningQuota> quotas = quotas_of(request.ns);
    for (int attempt = 0;; ++attempt) {
      Result<void> verdict = charge(request, quotas);
      if (!verdict || request.dry_run) co_return verdict;
      std::vector<std::string> failed;
      std::optional<ApiStatus> why = co_await store(quotas, failed);
      if (!why) co_return Result<void>();
      if (attempt == kMaxRetries) co_return *why;
      // The others have been charged.
      quotas = quotas_of(request.ns);
      std::erase_if(quotas, [&](const RunningQuota& quota) {
        return std::find(failed.begin(), failed.end(), quota.name()) == failed.end();
      });
    }
  }

  // Writes what changed; the last error, and the names of the quotas that it couldn't write.
  Task<std::optional<ApiStatus>> store(const std::vector<RunningQuota>& quotas,
                                       std::vector<std::string>& failed) {
    std::optional<ApiStatus> why;
    for (const RunningQuota& quota : quotas) {
      if (!quota.changed) continue;
      Result<ObjectPtr> written = co_await write_(quota.with_usage());
      if (written) continue;
      failed.emplace_back(quota.name());
      why = written.error();
    }
    co_return why;
  }

  const Lookup& lookup_;
  Turns turns_;
  StatusWriter write_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_resource_quota(const AdmissionParts& parts) {
  return std::make_unique<ResourceQuotaPlugin>(*parts.lookup, *parts.loop, parts.write_status);
}

}  // namespace tiphys::apiserver
