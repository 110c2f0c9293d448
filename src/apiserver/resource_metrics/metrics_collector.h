// MetricsCollector: scrapes every node's kubelet, while somebody asks for metrics.
//
// Loop thread only. Idle until the first ask(), and again once nobody asked for kIdleAfter: then
// there is no timer, no connection and no stored point. The scraper is injected.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apiserver/resource_metrics/usage_store.h"
#include "async/gate.h"

namespace tiphys::apiserver {

class MetricsCollector {
 public:
  using ListNodes = std::function<std::vector<std::string>()>;
  using Scrape = std::function<Task<Result<NodePoints>>(std::string node, StopToken stop)>;

  static constexpr Duration kResolution = std::chrono::seconds(15);  // --metric-resolution
  // Between the first two scrapes after idleness, so that the first question has an answer.
  static constexpr Duration kFirstWindow = std::chrono::seconds(2);
  static constexpr Duration kFirstAnswer = std::chrono::seconds(5);  // longest wait for it
  static constexpr Duration kScrapeTimeout = std::chrono::seconds(10);
  static constexpr Duration kIdleAfter = std::chrono::minutes(2);
  static constexpr size_t kScrapesAtOnce = 32;

  MetricsCollector(Loop& loop, ListNodes list_nodes, Scrape scrape);
  // Keeps the figures coming, and waits for the first ones, kFirstAnswer at most.
  Task<void> ask(StopToken stop);
  Task<void> stop();
  bool idle() const { return !running_; }
  const UsageStore& usage() const { return store_; }

 private:
  struct Round {
    std::vector<std::string> nodes;
    size_t next = 0;
    UsageStore::Batch batch;
  };
  Task<void> run();
  Task<UsageStore::Batch> scrape_all();
  Task<void> scrape_some(std::shared_ptr<Round> round);
  Task<Result<NodePoints>> scrape_in_time(std::string node);
  void note(const std::string& node, const Result<NodePoints>& scraped);

  Loop& loop_;
  ListNodes list_nodes_;
  Scrape scrape_;
  UsageStore store_;
  Gate gate_;
  StopSource stop_;
  Event ready_;  // there were two scrapes
  MonoTime asked_{};
  bool running_ = false;
  std::set<std::string> failing_;  // nodes whose last scrape failed: told once
};

}  // namespace tiphys::apiserver
