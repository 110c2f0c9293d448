// However requests fail and caches lag, a Job counts each of its pods once. A witness watches all
// pods and counts for itself. CONTROL_SEED=n tells one of the stories.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/strings.h"
#include "controllers/job_plan.h"
#include "controllers/resources.h"
#include "tests/control/sim_cluster.h"

namespace tiphys::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t kSeeds = 12;
constexpr int kMishaps = 25;
constexpr const char* kNamespace = "default";

class JobStory {
 public:
  explicit JobStory(uint64_t seed)
      : random_(seed),
        cluster_(seed, 3),
        informers_(cluster_.loop(), cluster_.client(), random_),
        pods_(informers_.informer(controllers::pods())) {
    pods_.add_handler(
        [this](const ObjectPtr& old, const ObjectPtr& now) { witness(old.get(), now.get()); });
    informers_.start();
    cluster_.pass(seconds(5));
  }
  ~JobStory() { cluster_.loop().run(informers_.stop()); }

  void create_job() {
    indexed_ = pick(2) == 0;
    Draft draft = batch_v1::Job::make();
    batch_v1::JobEdit job(draft);
    job.edit_metadata().set_name("job");
    job.edit_metadata().set_namespace(kNamespace);
    batch_v1::JobSpecEdit spec = job.edit_spec();
    spec.set_completions(static_cast<int32_t>(3 + pick(10)));
    spec.set_parallelism(static_cast<int32_t>(1 + pick(5)));
    spec.set_completion_mode(indexed_ ? "Indexed" : "NonIndexed");
    spec.set_backoff_limit(1000);
    if (indexed_ && pick(2) == 0) spec.set_backoff_limit_per_index(static_cast<int32_t>(pick(4)));
    core_v1::PodSpecEdit pod = spec.edit_template().edit_spec();
    pod.set_restart_policy("Never");
    core_v1::ContainerEdit container = pod.edit_containers().append();
    container.set_name("c");
    container.set_image("busybox");
    auto command = container.edit_command();
    for (std::string_view word : {"sleep", "15"}) command.append(word);
    auto made = cluster_.loop().run(
        cluster_.client().create(controllers::jobs(), kNamespace, draft.freeze()));
    ASSERT_TRUE(made) << made.error().message();
  }

  void happen() {
    for (int i = 0; i < kMishaps; ++i) {
      mishap();
      cluster_.pass(milliseconds(pick(8000)));
    }
    cluster_.restart_controllers();
  }

  // False: the Job does not end.
  bool ends() {
    for (int i = 0; i < 24 * 60; ++i) {
      cluster_.pass(seconds(60));
      if (controllers::is_finished_job(*job())) return true;
    }
    return false;
  }

  void check() {
    ObjectPtr object = job();
    batch_v1::JobStatus status = batch_v1::Job(*object).status();
    size_t succeeded = indexed_ ? done_indexes_.size() : succeeded_.size();
    EXPECT_EQ(status.succeeded(), static_cast<int64_t>(succeeded));
    EXPECT_EQ(status.failed(), static_cast<int64_t>(failed_.size()));
    EXPECT_TRUE(status.uncounted_terminated_pods().succeeded().empty());
    EXPECT_TRUE(status.uncounted_terminated_pods().failed().empty());
    for (const ObjectPtr& pod : pods_.list(kNamespace)) {
      EXPECT_FALSE(controllers::is_tracked(core_v1::Pod(*pod)));
    }
    size_t writes = cluster_.faults().writes().size();
    cluster_.pass(std::chrono::minutes(10));
    EXPECT_EQ(cluster_.faults().writes().size(), writes) << "written at rest";
  }

 private:
  // A pod's account is closed when it loses the finalizer: what it is then, it is.
  void witness(const Object* old, const Object* now) {
    if (!old || !controllers::is_tracked(core_v1::Pod(*old))) return;
    if (now && controllers::is_tracked(core_v1::Pod(*now))) {
      core_v1::Pod pod(*now);
      bool ended = pod.status().phase() == "Succeeded" || failed_.contains(uid_of(*now));
      if (pod.metadata().has_deletion_timestamp() && !ended) failed_.emplace(uid_of(*now));
      return;
    }
    core_v1::Pod pod(*old);
    std::string uid(uid_of(*old));
    if (failed_.contains(uid)) return;
    if (pod.status().phase() == "Failed") failed_.insert(uid);
    if (pod.status().phase() != "Succeeded") return;
    succeeded_.insert(uid);
    if (auto index = controllers::completion_index(pod)) done_indexes_.insert(*index);
  }

  void mishap() {
    switch (pick(5)) {
      case 0:
        return harm_a_pod();
      case 1:
      case 2:
        return disturb_requests();
      case 3:
        return cluster_.faults().stall(std::make_shared<re2::RE2>(pick(2) ? "/pods" : "/jobs"),
                                       cluster_.mono() + milliseconds(pick(20'000)));
      default:
        if (pick(3) == 0) cluster_.restart_controllers();
    }
  }

  void harm_a_pod() {
    std::vector<ObjectPtr> pods = pods_.list(kNamespace);
    std::erase_if(pods, [](const ObjectPtr& pod) {
      std::string_view phase = core_v1::Pod(*pod).status().phase();
      return phase == "Succeeded" || phase == "Failed";
    });
    if (pods.empty()) return;
    std::string name(name_of(*pods[pick(pods.size())]));
    client::Client& client = cluster_.client();
    auto done = cluster_.loop().run(
        pick(2) ? client.remove(controllers::pods(), kNamespace, name)
                : client.patch(controllers::pods(), kNamespace, name, client::PatchType::kMerge,
                               R"({"status":{"phase":"Failed"}})", "status"));
  }

  void disturb_requests() {
    const char* requests[] = {"PUT .*/jobs/", "PATCH .*/pods/", "POST .*/pods", "DELETE"};
    const int codes[] = {409, 500, 503};
    cluster_.faults().add({.requests = std::make_shared<re2::RE2>(requests[pick(4)]),
                           .code = codes[pick(3)],
                           .lost = pick(2) == 0,
                           .times = 1 + static_cast<int64_t>(pick(6))});
  }

  ObjectPtr job() {
    auto found = cluster_.loop().run(cluster_.client().get(controllers::jobs(), kNamespace, "job"));
    return found ? *found : nullptr;
  }
  uint64_t pick(uint64_t n) { return random_.below(n); }

  SeededRandom random_;
  SimCluster cluster_;
  client::InformerFactory informers_;
  client::Informer& pods_;
  bool indexed_ = false;
  std::set<std::string, std::less<>> succeeded_;
  std::set<std::string, std::less<>> failed_;
  std::set<int32_t> done_indexes_;
};

void tell_story(uint64_t seed) {
  SCOPED_TRACE("CONTROL_SEED=" + std::to_string(seed));
  JobStory story(seed);
  story.create_job();
  story.happen();
  ASSERT_TRUE(story.ends());
  story.check();
}

TEST(JobAccounts, every_pod_is_counted_once) {
  const char* one = std::getenv("CONTROL_SEED");
  if (one) return tell_story(parse_uint(one).value_or(1));
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) tell_story(seed);
}

}  // namespace
}  // namespace tiphys::control
