// HealthChecks: a component's /healthz, /livez and /readyz, each a list of checks by name, and
// /metrics/slis, which counts how they end. Answers, words and metrics are upstream's (apiserver's
// pkg/server/healthz, component-base's metrics/prometheus/slis; KEP-3466).
//
// One thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "net/http.h"

namespace tiphys::net {

struct HealthCheck {
  std::string name;                     // "etcd"
  std::function<Result<void>()> check;  // the error goes to the log, callers don't see it
};
// Passes as long as somebody answers at all. Upstream's ping, and whatever else stands for just
// that: the log, the loop that syncs.
HealthCheck answers(std::string name);

class HealthChecks {
 public:
  HealthChecks();
  // root: "healthz", "livez" or "readyz". Before the first answer.
  void serve(std::string root, std::vector<HealthCheck> checks);
  // One more.
  void add(const std::string& root, HealthCheck check);
  // What a root or one of its checks answers; nothing: the path is none of these. query is raw.
  std::optional<Response> answer(std::string_view path, std::string_view query);
  // Answering that would run this check.
  bool runs(std::string_view path, std::string_view query, std::string_view check) const;
  // /metrics/slis: a check that was asked for by itself, or excluded, does not count. DELETE starts
  // anew.
  Response slis(std::string_view method);

 private:
  struct Counts {
    MetricRegistry registry;
    MetricFamily<Gauge>& last;
    MetricFamily<Counter>& total;
    Counts();
  };
  using Roots = std::map<std::string, std::vector<HealthCheck>, std::less<>>;
  struct Asked {
    const Roots::value_type* root = nullptr;  // null: the path is none of these
    std::string_view check;                   // "": all
  };
  Asked asked(std::string_view path) const;
  Response answer_root(const std::string& root, std::string_view query);
  bool run(const std::string& root, const HealthCheck& check);

  Roots roots_;
  std::unique_ptr<Counts> counts_;
};

}  // namespace tiphys::net
