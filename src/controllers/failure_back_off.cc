#include "controllers/failure_back_off.h"

namespace tiphys::controllers {

namespace {

constexpr Duration kSweepInterval = std::chrono::minutes(1);

bool is_over(MonoTime since, MonoTime now) { return now - since > 2 * FailureBackOff::kLongest; }

}  // namespace

Duration FailureBackOff::remaining(const std::string& key, MonoTime now) const {
  auto found = entries_.find(key);
  if (found == entries_.end()) return Duration::zero();
  return std::max(found->second.delay - (now - found->second.since), Duration::zero());
}

void FailureBackOff::next(const std::string& key, MonoTime now) {
  forget_old(now);
  auto [entry, fresh] = entries_.try_emplace(key, Entry{kFirst, now});
  if (fresh) return;
  bool forgotten = is_over(entry->second.since, now);
  entry->second = {forgotten ? kFirst : std::min(2 * entry->second.delay, kLongest), now};
}

void FailureBackOff::forget_old(MonoTime now) {
  if (now - swept_ < kSweepInterval) return;
  swept_ = now;
  std::erase_if(entries_, [&](const auto& entry) { return is_over(entry.second.since, now); });
}

}  // namespace tiphys::controllers
