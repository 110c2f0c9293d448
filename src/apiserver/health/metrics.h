// Metrics: counts and durations of requests, in the Prometheus text format. The labels are bounded:
// verbs, resources and codes that the server knows. Loop thread only.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "apiserver/audit/counts.h"
#include "apiserver/authn/token_uses.h"
#include "apiserver/handlers/stream_counts.h"
#include "base/time.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

class Metrics {
 public:
  // resource null: a non-resource request.
  void count(const schema::Resource* resource, std::string_view verb, int code, Duration took);
  int in_flight_reading = 0;
  int in_flight_mutating = 0;
  int64_t rejected = 0;
  const audit::Counts* audit = nullptr;  // null: there is no audit log
  const TokenUses* tokens = nullptr;     // null: there are no service account tokens
  StreamCounts streams;
  std::vector<std::function<std::string()>> others;  // texts of other components in the process
  std::string text() const;

 private:
  static constexpr std::array<double, 12> kBuckets = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                      0.25,  0.5,   1,    2.5,   5,    10};
  struct Durations {
    std::array<uint64_t, kBuckets.size() + 1> counts{};
    uint64_t total = 0;
    double sum = 0;
  };
  using Key = std::pair<const schema::Resource*, std::string>;
  std::map<std::tuple<const schema::Resource*, std::string, int>, uint64_t> requests_;
  std::map<Key, Durations> durations_;
};

}  // namespace tiphys::apiserver
