#include "controllers/pod_gc.h"

#include <algorithm>

#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr const char* kRound = "round";
constexpr int kWorkers = 4;
constexpr std::string_view kOutOfServiceTaint = "node.kubernetes.io/out-of-service";

bool is_out_of_service(core_v1::Node node) {
  for (core_v1::NodeCondition condition : node.status().conditions()) {
    if (condition.type() == "Ready" && condition.status() == "True") return false;
  }
  for (core_v1::Taint taint : node.spec().taints()) {
    if (taint.key() == kOutOfServiceTaint) return true;
  }
  return false;
}

// Evicted ones are the first to go: what controllers made instead of them counts more.
auto collection_order(const ObjectPtr& object) {
  core_v1::Pod pod(*object);
  bool evicted = pod.status().phase() == "Failed" && pod.status().reason() == "Evicted";
  return std::tuple(!evicted, pod.metadata().creation_timestamp(), pod.metadata().name());
}

// A patch: its role allows no updates of pods' status.
std::string failed(const Object& pod, bool orphaned, MicroTime now) {
  std::string patch = R"({"metadata":{"uid":")" + std::string(metadata(pod).uid()) +
                      R"("},"status":{"phase":"Failed")";
  if (orphaned) {
    patch += R"(,"conditions":[{"type":"DisruptionTarget","status":"True",)"
             R"("reason":"DeletionByPodGC","message":"PodGC: node no longer exists",)"
             R"("lastTransitionTime":")" +
             format_rfc3339(now) + R"("}])";
  }
  return patch + "}}";
}

}  // namespace

PodGc::PodGc(Context context, Options options)
    : Controller(context, "pod-garbage-collector-controller", kWorkers),
      options_(options),
      pods_(watch(pods())),
      nodes_(watch(nodes())) {}

void PodGc::ready() { enqueue(kRound); }

void PodGc::doom(const ObjectPtr& pod, Reason reason) {
  doomed_.emplace(uid_of(*pod), reason);
  enqueue(*pod);
}

void PodGc::look_for_finished() {
  if (options_.terminated_threshold <= 0) return;
  std::vector<ObjectPtr> finished;
  for (ObjectPtr& object : pods_.list()) {
    if (kinds::is_finished(core_v1::Pod(*object))) finished.push_back(std::move(object));
  }
  auto keep = static_cast<size_t>(options_.terminated_threshold);
  if (finished.size() <= keep) return;
  std::ranges::sort(finished, {}, collection_order);
  finished.resize(finished.size() - keep);
  for (const ObjectPtr& pod : finished) doom(pod, Reason::kTerminated);
}

void PodGc::look_for_missing_nodes() {
  std::map<std::string, MonoTime, std::less<>> missing;
  for (const ObjectPtr& object : pods_.list()) {
    std::string_view node = core_v1::Pod(*object).spec().node_name();
    if (node.empty() || missing.contains(node) || nodes_.get("", node)) continue;
    auto known = missing_since_.find(node);
    missing.emplace(node, known == missing_since_.end() ? context_.loop.mono() : known->second);
  }
  missing_since_ = std::move(missing);
}

Task<Result<void>> PodGc::confirm_missing_nodes() {
  gone_.clear();
  std::vector<std::string> suspects;
  for (const auto& [node, since] : missing_since_) {
    if (context_.loop.mono() - since >= options_.quarantine) suspects.push_back(node);
  }
  for (const std::string& node : suspects) {
    Result<ObjectPtr> found = co_await context_.client.get(nodes(), "", node);
    if (found) continue;
    if (!found.error().is_not_found()) co_return found.error();
    gone_.insert(node);
  }
  co_return Result<void>();
}

std::optional<PodGc::Reason> PodGc::reason_for(const Object& object) const {
  core_v1::Pod pod(object);
  std::string_view node = pod.spec().node_name();
  bool deleting = pod.metadata().has_deletion_timestamp();
  if (node.empty()) {
    return deleting ? std::optional(Reason::kUnscheduled) : std::nullopt;
  }
  ObjectPtr known = nodes_.get("", node);
  if (!known) return gone_.contains(node) ? std::optional(Reason::kOrphaned) : std::nullopt;
  bool lost = deleting && is_out_of_service(core_v1::Node(*known));
  return lost ? std::optional(Reason::kOutOfService) : std::nullopt;
}

// As the metrics name it.
std::string_view PodGc::tag_of(Reason reason) {
  switch (reason) {
    case Reason::kTerminated:
      return "terminated";
    case Reason::kOutOfService:
      return "out-of-service";
    case Reason::kOrphaned:
      return "orphaned";
    case Reason::kUnscheduled:
      return "unscheduled";
  }
  return {};
}

void PodGc::outcome(const std::string& key, const Action& action, const ApiStatus* error) {
  std::string_view ns = metadata(*action.object).namespace_();
  ControllerMetrics& metrics = context_.metrics;
  if (error) {
    metrics.forced_deletion_errors.with({ns, action.tag}).add();
  } else if (action.verb == Action::Verb::kDelete) {
    metrics.forced_deletions.with({ns, action.tag}).add();
  }
}

Task<Result<void>> PodGc::sync(std::string key) {
  if (key == kRound) {
    enqueue_after(kRound, options_.period);
    look_for_missing_nodes();
    Result<void> confirmed = co_await confirm_missing_nodes();
    if (!confirmed) co_return Result<void>();  // the next round asks again
  }
  Result<void> done = co_await Controller::sync(std::move(key));
  co_return done;
}

Decision PodGc::reconcile(const std::string& key, MicroTime now) {
  if (key != kRound) return collect(key, now);
  doomed_.clear();
  look_for_finished();
  for (const ObjectPtr& pod : pods_.list()) {
    if (std::optional<Reason> reason = reason_for(*pod)) doom(pod, *reason);
  }
  return {};
}

Decision PodGc::collect(const std::string& key, MicroTime now) const {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr pod = pods_.get(ns, name);
  auto found = pod ? doomed_.find(uid_of(*pod)) : doomed_.end();
  if (found == doomed_.end()) return decision;
  // What held when the round was made has to hold still.
  Reason reason = found->second;
  if (reason != Reason::kTerminated && reason_for(*pod) != reason) return decision;
  bool finished = kinds::is_finished(core_v1::Pod(*pod));
  // Told already; its finalizers keep it.
  bool told = is_deleting(*pod) && metadata(*pod).deletion_grace_period_seconds() == 0;
  if (finished && told) return decision;
  if (!finished) {
    bool orphaned = reason == Reason::kOrphaned;
    Action told_why = patch_action(pods(), pod, failed(*pod, orphaned, now));
    told_why.subresource = "status";
    told_why.tag = tag_of(reason);
    decision.add(std::move(told_why));
  }
  Action action = delete_action(pods(), pod);
  action.grace_seconds = 0;
  action.batch = 1;
  action.tag = tag_of(reason);
  decision.add(std::move(action));
  return decision;
}

}  // namespace tiphys::controllers
