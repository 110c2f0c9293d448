#include "main/placement_explainer.h"

#include "scheduler/placement.h"

namespace tiphys {
namespace {

scheduler::ClusterObjects collect(const apiserver::Lookup& lookup) {
  scheduler::ClusterObjects cluster;
  cluster.pods = lookup.list("", "pods", "");
  for (const scheduler::SnapshotFeed& feed : scheduler::snapshot_feeds()) {
    cluster.feeds.push_back(lookup.list(feed.resource->group, feed.resource->resource, ""));
  }
  return cluster;
}

struct Explainer {
  apiserver::ApiServer& server;
  Loop& loop;
  WorkerPool& pool;
  scheduler::Profiles profiles;
  std::vector<scheduler::ExtenderConfig> extenders;
};

Task<Result<ObjectPtr>> explain(std::shared_ptr<const Explainer> explainer, ObjectPtr pod) {
  scheduler::ClusterObjects cluster = collect(explainer->server.lookup());
  ObjectPtr placement = co_await run_blocking(
      explainer->loop, explainer->pool, [pod, explainer, cluster = std::move(cluster)] {
        return scheduler::explain_placement(pod, cluster, explainer->profiles,
                                            explainer->extenders);
      });
  co_return placement;
}

}  // namespace

void explain_placements(apiserver::ApiServer& server, Loop& loop, WorkerPool& pool,
                        scheduler::Profiles profiles,
                        std::vector<scheduler::ExtenderConfig> extenders) {
  auto explainer = std::make_shared<const Explainer>(
      Explainer{server, loop, pool, std::move(profiles), std::move(extenders)});
  server.set_placement_handler(
      [explainer](ObjectPtr pod) { return explain(explainer, std::move(pod)); });
}

}  // namespace tiphys
