// RateLimit: how many requests a second a component may send (--kube-api-qps, --kube-api-burst).
// TokenBucket is the rule, pure; LimitedTransport applies it before another transport.
//
// Loop thread only. Watches are not counted, as in client-go: one lasts for minutes.
// Source: client-go's rest.Config (QPS, Burst) and util/flowcontrol.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "client/client.h"

namespace tiphys::client {

struct RateLimit {
  double qps = 0;     // negative: no limit; zero: kDefaultQps
  int64_t burst = 0;  // requests that may go at once; zero: kDefaultBurst
  static constexpr double kDefaultQps = 5;
  static constexpr int64_t kDefaultBurst = 10;
  bool limits() const { return qps >= 0; }
};

// Holds up to `burst` tokens, full at first, and gets `qps` a second. A request takes one; when
// there is none it waits for the next that nobody waits for yet: first come, first served.
class TokenBucket {
 public:
  // Requires: limit.limits().
  TokenBucket(RateLimit limit, MonoTime now);
  // Takes a token. Returns how long to wait until it is there.
  Duration take(MonoTime now);
  // One that was taken is not used: its owner has stopped waiting.
  void give_back(MonoTime now);

 private:
  void fill(MonoTime now);

  double qps_;
  double burst_;
  double tokens_;  // negative: taken before they are there
  MonoTime filled_;
};

class LimitedTransport : public Transport {
 public:
  // `inner` outlives it.
  LimitedTransport(Loop& loop, Transport& inner, RateLimit limit);
  Task<Result<Response>> send(Request request) override;
  Task<Result<std::unique_ptr<WatchStream>>> watch(Request request) override;

 private:
  Loop& loop_;
  Transport& inner_;
  std::optional<TokenBucket> bucket_;  // nothing: no limit
};

// Clients with a limit each: what one of them sends does not hold up the others.
class LimitedClients {
 public:
  LimitedClients(Loop& loop, RateLimit limit) : loop_(loop), limit_(limit) {}
  // The client of this name, over `inner`'s transport, which outlives it. Valid as long as this.
  Client& client_of(std::string_view name, Client& inner);

 private:
  struct Limited {
    Limited(Loop& loop, Client& inner, RateLimit limit)
        : transport(loop, inner.transport(), limit), client(transport, inner.component()) {}
    LimitedTransport transport;
    Client client;
  };
  Loop& loop_;
  RateLimit limit_;
  std::map<std::string, std::unique_ptr<Limited>, std::less<>> clients_;
};

}  // namespace tiphys::client
