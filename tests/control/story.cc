#include "tests/control/story.h"

#include <gtest/gtest.h>

#include "controllers/resources.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"

namespace tiphys::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kNamespace = "default";
constexpr int kNodes = 3;
// Longer than any back-off and any grace period.
constexpr Duration kQuiet = minutes(18);
// The longest wait of anything: pods of lost nodes, the crash-loop and work queues' back-off.
constexpr Duration kLongestWait = std::chrono::hours(3);

// Runs for ever, on any node for as long as it likes.
constexpr const char* kPodSpec =
    R"("terminationGracePeriodSeconds":1,"containers":[{"name":"c","image":"busybox",)"
    R"("command":["sleep","infinity"]}])";

std::string pod_template(const std::string& app, uint64_t version, const char* more = "") {
  return R"("template":{"metadata":{"labels":{"app":")" + app + R"("},"annotations":{"version":")" +
         std::to_string(version) + R"("}},"spec":{)" + more + kPodSpec + "}}";
}

std::string time_text(Duration time) {
  return std::to_string(std::chrono::duration_cast<milliseconds>(time).count()) + "ms";
}

}  // namespace

Story::Story(uint64_t seed) : random_(seed), cluster_(seed, kNodes) {
  cluster_.pass(seconds(5));
  bystanders();
  const schema::Resource* kinds[] = {
      &controllers::deployments(),   &controllers::deployments(),
      &controllers::replica_sets(),  &controllers::replication_controllers(),
      &controllers::stateful_sets(), &controllers::jobs(),
      &controllers::daemon_sets()};
  int n = 0;
  for (const schema::Resource* kind : kinds) {
    workloads_.push_back({.resource = kind, .name = "w" + std::to_string(n++)});
  }
}

void Story::tell(const std::string& what) {
  Duration now = cluster_.mono();
  told_ += "  " + time_text(now) + " " + what + "\n";
}

cases::Reply Story::post(const schema::Resource& resource, const std::string& json) {
  net::Request request;
  request.method = "POST";
  request.path = client::resource_path(resource, resource.namespaced ? kNamespace : "");
  request.headers.set("content-type", "application/json");
  request.body = json;
  return cluster_.send(std::move(request));
}

std::vector<ObjectPtr> Story::list(const schema::Resource& resource) {
  std::string ns = resource.namespaced ? kNamespace : "";
  auto found = cluster_.loop().run(cluster_.client().list(resource, ns));
  if (!found) return {};
  return found->items;
}

void Story::patch(const Workload& workload, const std::string& merge) {
  tell("patch " + workload.name + " " + merge);
  auto patched = cluster_.loop().run(cluster_.client().patch(
      *workload.resource, kNamespace, workload.name, client::PatchType::kMerge, merge));
  if (!patched) tell("  " + std::string(patched.error().message()));
}

// Things that no controller owns; they tolerate lost nodes.
void Story::bystanders() {
  const char* kAlone =
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"alone","labels":{"app":"nobody"}},)"
      R"("spec":{"tolerations":[{"operator":"Exists"}],)";
  post(controllers::pods(), std::string(kAlone) + kPodSpec + "}}");
  post(controllers::config_maps(),
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"alone"}})");
  post(controllers::services(),
       R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"alone"},)"
       R"("spec":{"selector":{"app":"w0"},"ports":[{"port":80}]}})");
  for (const schema::Resource* resource :
       {&controllers::pods(), &controllers::config_maps(), &controllers::services()}) {
    for (const ObjectPtr& object : list(*resource)) {
      bystanders_[std::string(resource->resource) + "/" + std::string(name_of(*object))] =
          uid_of(*object);
    }
  }
}

void Story::create(Workload& workload) {
  const std::string& app = workload.name;
  std::string kind(workload.resource->kind);
  std::string group(workload.resource->group);
  workload.replicas = static_cast<int64_t>(pick(6));
  bool job = workload.resource == &controllers::jobs();
  bool old = workload.resource == &controllers::replication_controllers();
  std::string head = R"({"apiVersion":")" + (group.empty() ? "v1" : group + "/v1") +
                     R"(","kind":")" + kind + R"(","metadata":{"name":")" + app + R"("},"spec":{)";
  std::string labels = R"({"app":")" + app + R"("})";
  std::string selector = R"("selector":)" + (old ? labels : R"({"matchLabels":)" + labels + "}");
  std::string size = R"(,"replicas":)" + std::to_string(workload.replicas) + ",";
  if (workload.resource == &controllers::daemon_sets()) {
    workload.replicas = kNodes;
    size = ",";
  }
  std::string body = head + selector + size + pod_template(app, 0) + "}}";
  if (job) {
    workload.replicas += 1;
    std::string n = std::to_string(workload.replicas);
    body = head + R"("backoffLimit":1000,"parallelism":2,"completions":)" + n +
           R"(,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c",)"
           R"("image":"busybox","command":["sleep","20"]}]}}}})";
  }
  if (workload.resource == &controllers::stateful_sets()) {
    body.insert(body.size() - 2, R"(,"serviceName":"alone")");
    if (pick(2)) body.insert(body.size() - 2, R"(,"podManagementPolicy":"Parallel")");
  }
  if (workload.resource == &controllers::deployments() && pick(3) == 0) {
    body.insert(body.size() - 2, R"(,"strategy":{"type":"Recreate"})");
  }
  cases::Reply reply = post(*workload.resource, body);
  workload.exists = reply.status == 201;
  workload.paused = false;
  tell("create " + kind + " " + app + " of " + std::to_string(workload.replicas) + ": " +
       std::to_string(reply.status));
  // 409: it is still being deleted.
  if (reply.status != 409) EXPECT_EQ(reply.status, 201) << body << reply.body;
}

void Story::remove(Workload& workload) {
  const char* policies[] = {"Background", "Foreground", "Orphan"};
  // Orphans that nobody ever adopts would be in nobody's spec.
  bool adoptable = workload.resource != &controllers::jobs();
  std::string policy = policies[pick(adoptable ? 3 : 2)];
  tell("delete " + workload.name + " " + policy);
  client::DeleteOptions options{
      .grace_period_seconds = {}, .uid = "", .resource_version = "", .propagation_policy = policy};
  auto gone = cluster_.loop().run(
      cluster_.client().remove(*workload.resource, kNamespace, workload.name, options));
  workload.exists = false;
  if (!gone) tell("  " + std::string(gone.error().message()));
}

void Story::change(Workload& workload) {
  bool deployment = workload.resource == &controllers::deployments();
  if (workload.resource == &controllers::jobs()) {
    workload.paused = pick(2) == 0;
    return patch(workload,
                 std::string(R"({"spec":{"suspend":)") + (workload.paused ? "true}}" : "false}}"));
  }
  if (workload.resource == &controllers::daemon_sets()) return change_daemon_set(workload);
  switch (pick(deployment ? 6 : 3)) {
    case 0:
    case 1: {
      workload.replicas = static_cast<int64_t>(pick(8));
      return patch(workload, R"({"spec":{"replicas":)" + std::to_string(workload.replicas) + "}}");
    }
    case 2:
    case 3: {
      std::string spec = pod_template(workload.name, pick(4));
      return patch(workload, R"({"spec":{)" + spec + "}}");
    }
    case 4:
      workload.paused = !workload.paused;
      return patch(workload,
                   std::string(R"({"spec":{"paused":)") + (workload.paused ? "true}}" : "false}}"));
    default:
      return patch(workload, pick(2) ? R"({"spec":{"minReadySeconds":7}})"
                                     : R"({"spec":{"revisionHistoryLimit":1}})");
  }
}

void Story::change_daemon_set(Workload& workload) {
  const std::string changes[] = {
      pod_template(workload.name, pick(4)),
      pod_template(workload.name, pick(4)),
      R"("updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}})",
      R"("updateStrategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"50%"}})",
      R"("minReadySeconds":7)",
      R"("revisionHistoryLimit":1)"};
  patch(workload, R"({"spec":{)" + changes[pick(std::size(changes))] + "}}");
}

void Story::wish() {
  Workload& workload = workloads_[pick(workloads_.size())];
  if (!workload.exists) return create(workload);
  if (pick(6) == 0) return remove(workload);
  change(workload);
}

void Story::harm_a_pod() {
  std::vector<ObjectPtr> pods = list(controllers::pods());
  std::erase_if(pods, [](const ObjectPtr& pod) { return name_of(*pod) == "alone"; });
  if (pods.empty()) return;
  ObjectPtr pod = pods[pick(pods.size())];
  std::string name(name_of(*pod));
  bool gone = pick(2) == 0;
  tell((gone ? "delete pod " : "fail pod ") + name);
  client::Client& client = cluster_.client();
  auto done = cluster_.loop().run(
      gone ? client.remove(controllers::pods(), kNamespace, name)
           : client.patch(controllers::pods(), kNamespace, name, client::PatchType::kMerge,
                          R"({"status":{"phase":"Failed"}})", "status"));
  if (!done) tell("  " + std::string(done.error().message()));
}

void Story::lose_a_node() {
  if (!down_.empty() && pick(2)) {
    tell("up " + down_.back());
    cluster_.nodes().up(down_.back());
    down_.pop_back();
    return;
  }
  std::string name = "node-" + std::to_string(1 + pick(kNodes));
  if (std::ranges::find(down_, name) != down_.end()) return;
  tell("down " + name);
  cluster_.nodes().down(name);
  down_.push_back(name);
}

void Story::disturb_requests() {
  const char* requests[] = {"PUT",         "POST .*/pods", "DELETE",      "POST",
                            "PUT .*/pods", "PATCH",        "replicasets", "GET"};
  const int codes[] = {409, 500, 503};
  FaultPlan::Fault fault{
      .requests = std::make_shared<re2::RE2>(requests[pick(std::size(requests))]),
      .code = codes[pick(3)],
      .lost = pick(3) == 0,
      .times = 1 + static_cast<int64_t>(pick(5))};
  if (pick(5) == 0) {
    fault.requests = std::make_shared<re2::RE2>(".");
    fault.code = 503;
    fault.lost = false;
    fault.times = INT64_MAX;
    fault.until = cluster_.mono() + seconds(1 + pick(120));
  }
  tell("fail " + fault.requests->pattern() + " with " + std::to_string(fault.code) +
       (fault.lost ? ", lost" : ""));
  cluster_.faults().add(std::move(fault));
}

void Story::mishap() {
  switch (pick(7)) {
    case 0:
    case 1:
      return harm_a_pod();
    case 2:
      return lose_a_node();
    case 3:
      return disturb_requests();
    case 4: {
      const char* paths[] = {".", "/pods", "/replicasets", "/deployments", "/nodes"};
      std::string path = paths[pick(5)];
      Duration time = milliseconds(100 + pick(30'000));
      tell("stall " + path + " for " + time_text(time));
      return cluster_.faults().stall(std::make_shared<re2::RE2>(path), cluster_.mono() + time);
    }
    case 5: {
      tell("the controllers begin anew");
      return cluster_.restart_controllers();
    }
    default: {
      Duration jump = seconds(static_cast<int64_t>(pick(1200)) - 600);
      tell("the clock jumps " + time_text(jump));
      jumped_ += jump;
      return cluster_.loop().jump_wall(jump);
    }
  }
}

void Story::heal() {
  tell("all mishaps end");
  cluster_.loop().jump_wall(-jumped_);
  for (const std::string& node : down_) cluster_.nodes().up(node);
  down_.clear();
  for (Workload& workload : workloads_) {
    if (!workload.exists || !workload.paused) continue;
    workload.paused = false;
    bool job = workload.resource == &controllers::jobs();
    patch(workload, job ? R"({"spec":{"suspend":false}})" : R"({"spec":{"paused":false}})");
  }
}

void Story::happen(int steps) {
  for (int i = 0; i < steps; ++i) {
    if (pick(3) == 0) {
      mishap();
    } else {
      wish();
    }
    // Mostly soon, sometimes long after.
    cluster_.pass(pick(8) == 0 ? seconds(pick(600)) : milliseconds(pick(8000)));
  }
  heal();
  Result<void> rest = cluster_.rest(kQuiet, kLongestWait);
  if (!rest) not_at_rest_ = rest.error().message();
}

}  // namespace tiphys::control
