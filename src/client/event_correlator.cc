#include "client/event_correlator.h"

#include <algorithm>

namespace tiphys::client {

namespace {

constexpr size_t kMaxAlike = 10;
constexpr MicroTime kAlikeSpan = 600 * kMicrosPerSecond;
constexpr double kBurst = 25;
constexpr double kRefillPerMicro = 1.0 / (300.0 * kMicrosPerSecond);

}  // namespace

bool EventCorrelator::too_many(const std::string& object, MicroTime now) {
  bool added = false;
  Bucket& bucket = buckets_.at(object, &added);
  if (added) bucket.tokens = kBurst;
  if (!added && now > bucket.at) {
    double refill = static_cast<double>(now - bucket.at) * kRefillPerMicro;
    bucket.tokens = std::min(kBurst, bucket.tokens + refill);
  }
  bucket.at = now;
  if (bucket.tokens < 1) return true;
  bucket.tokens -= 1;
  return false;
}

EventVerdict EventCorrelator::judge(const EventKey& event, MicroTime now) {
  EventVerdict verdict;
  if (too_many(event.object, now)) return verdict;
  bool added = false;
  std::string group = event.object + "\n" + event.type + "\n" + event.reason;
  Alike& alike = alike_.at(group, &added);
  if (now - alike.last > kAlikeSpan) alike.messages.clear();
  alike.last = now;
  if (alike.messages.size() < kMaxAlike) alike.messages.insert(event.message);
  bool combined = alike.messages.size() >= kMaxAlike;
  verdict.message = combined ? "(combined from similar events): " + event.message : event.message;
  verdict.cache_key = combined ? group : group + "\n" + event.message;
  Seen& seen = seen_.at(verdict.cache_key, &added);
  seen.count += 1;
  if (seen.first == 0) seen.first = now;
  verdict.kind = seen.name.empty() ? EventVerdict::Kind::kCreate : EventVerdict::Kind::kCount;
  verdict.name = seen.name;
  verdict.count = seen.count;
  verdict.first = seen.first;
  return verdict;
}

void EventCorrelator::written(const EventVerdict& verdict, std::string name) {
  bool added = false;
  Seen& seen = seen_.at(verdict.cache_key, &added);
  seen.name = std::move(name);
  if (!added) return;
  seen.count = verdict.count;
  seen.first = verdict.first;
}

void EventCorrelator::forget(const EventVerdict& verdict) {
  bool added = false;
  seen_.at(verdict.cache_key, &added) = Seen();
}

std::optional<int64_t> DropCount::dropped(MonoTime now) {
  constexpr Duration kTellAgain = std::chrono::minutes(1);
  ++count_;
  if (told_ && now - *told_ < kTellAgain) return std::nullopt;
  told_ = now;
  return std::exchange(count_, 0);
}

}  // namespace tiphys::client
