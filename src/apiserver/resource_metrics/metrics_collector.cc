#include "apiserver/resource_metrics/metrics_collector.h"

#include <algorithm>

#include "base/log.h"

namespace tiphys::apiserver {

MetricsCollector::MetricsCollector(Loop& loop, ListNodes list_nodes, Scrape scrape)
    : loop_(loop),
      list_nodes_(std::move(list_nodes)),
      scrape_(std::move(scrape)),
      store_(kResolution),
      gate_(loop),
      ready_(loop) {}

Task<void> MetricsCollector::ask(StopToken stop) {
  asked_ = loop_.mono();
  if (!running_ && !stop_.stop_requested()) {
    running_ = true;
    gate_.spawn(run());
  }
  co_await ready_.wait(std::move(stop), kFirstAnswer);
}

Task<void> MetricsCollector::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> MetricsCollector::run() {
  Duration period = kFirstWindow;
  bool going = true;
  while (going && loop_.mono() - asked_ < kIdleAfter) {
    MonoTime started = loop_.mono();
    UsageStore::Batch batch = co_await scrape_all();
    store_.store(std::move(batch));
    if (period == kResolution) ready_.set();
    Duration rest = std::max(started + period - loop_.mono(), Duration::zero());
    going = co_await sleep_for(loop_, rest, stop_.token());
    period = kResolution;
  }
  ready_.reset();
  store_.clear();
  failing_.clear();
  running_ = false;
}

Task<UsageStore::Batch> MetricsCollector::scrape_all() {
  auto round = std::make_shared<Round>();
  round->nodes = list_nodes_();
  Gate scrapes(loop_);
  for (size_t i = 0; i < std::min(kScrapesAtOnce, round->nodes.size()); ++i) {
    scrapes.spawn(scrape_some(round));
  }
  co_await scrapes.close();
  co_return std::move(round->batch);
}

Task<void> MetricsCollector::scrape_some(std::shared_ptr<Round> round) {
  while (round->next < round->nodes.size() && !stop_.stop_requested()) {
    std::string node = round->nodes[round->next++];
    Result<NodePoints> scraped = co_await scrape_in_time(node);
    note(node, scraped);
    if (scraped) round->batch.insert_or_assign(node, std::move(*scraped));
  }
}

Task<Result<NodePoints>> MetricsCollector::scrape_in_time(std::string node) {
  StopSource limit(stop_.token());
  Loop::TimerId timer = loop_.call_after(kScrapeTimeout, [&limit] { limit.request_stop(); });
  Result<NodePoints> scraped = co_await scrape_(node, limit.token());
  loop_.cancel(timer);
  co_return scraped;
}

void MetricsCollector::note(const std::string& node, const Result<NodePoints>& scraped) {
  if (scraped) {
    failing_.erase(node);
  } else if (!stop_.stop_requested() && failing_.insert(node).second) {
    LOG_WARNING("Failed to scrape node", {"node", node}, {"err", scraped.error()});
  }
}

}  // namespace tiphys::apiserver
