#include "client/rate_limit.h"

#include <algorithm>

#include "base/log.h"

namespace tiphys::client {

namespace {

// Waits that client-go tells of.
constexpr Duration kLongWait = std::chrono::milliseconds(50);

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

TokenBucket::TokenBucket(RateLimit limit, MonoTime now)
    : qps_(limit.qps == 0 ? RateLimit::kDefaultQps : limit.qps),
      burst_(static_cast<double>(limit.burst == 0 ? RateLimit::kDefaultBurst : limit.burst)),
      tokens_(burst_),
      filled_(now) {}

void TokenBucket::fill(MonoTime now) {
  if (now <= filled_) return;
  tokens_ = std::min(burst_, tokens_ + seconds_of(now - filled_) * qps_);
  filled_ = now;
}

Duration TokenBucket::take(MonoTime now) {
  fill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration::zero();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(-tokens_ / qps_));
}

void TokenBucket::give_back(MonoTime now) {
  fill(now);
  tokens_ = std::min(burst_, tokens_ + 1);
}

LimitedTransport::LimitedTransport(Loop& loop, Transport& inner, RateLimit limit)
    : loop_(loop), inner_(inner) {
  if (limit.limits()) bucket_.emplace(limit, loop.mono());
}

Task<Result<Response>> LimitedTransport::send(Request request) {
  Duration wait = bucket_ ? bucket_->take(loop_.mono()) : Duration::zero();
  if (wait > Duration::zero()) {
    if (wait >= kLongWait) {
      LOG_V(3, "Waited before sending request",
            {"delay_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()},
            {"reason", "client-side throttling, not priority and fairness"},
            {"verb", request.method}, {"URL", request.path});
    }
    bool go_on = co_await sleep_for(loop_, wait, request.stop);
    if (!go_on) {
      bucket_->give_back(loop_.mono());
      co_return ApiStatus::stopped();
    }
  }
  Result<Response> answer = co_await inner_.send(std::move(request));
  co_return answer;
}

Task<Result<std::unique_ptr<WatchStream>>> LimitedTransport::watch(Request request) {
  return inner_.watch(std::move(request));
}

Client& LimitedClients::client_of(std::string_view name, Client& inner) {
  std::unique_ptr<Limited>& made = clients_[std::string(name)];
  if (!made) made = std::make_unique<Limited>(loop_, inner, limit_);
  return made->client;
}

}  // namespace tiphys::client
