// A scheduler with a configuration on virtual time: what a profile turns off is off, and metrics.
#include "async/sim_loop.h"
#include "scheduler/configuration.h"
#include "scheduler/objects_test.h"
#include "scheduler/scheduler.h"
#include "tests/fake/fake_api.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::seconds;

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& events() { return *schema::find_resource("", "v1", "events"); }

Scheduler::Options options_of(const std::string& members) {
  Result<Configuration> config = Configuration::parse(
      "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" + members);
  if (!config) ADD_FAILURE() << config.error().message();
  Result<std::vector<Profile>> profiles = config->profiles();
  if (!profiles) ADD_FAILURE() << profiles.error().message();
  return {.profiles = std::move(*profiles), .queue = {}};
}

class ProfilesTest : public testing::Test {
 protected:
  ~ProfilesTest() override {
    if (scheduler) loop.run(scheduler->stop());
  }
  void start(const std::string& members) {
    scheduler = std::make_unique<Scheduler>(loop, client, random, options_of(members));
    scheduler->start();
    api.put(nodes(), node_object({.name = "n1"}));
  }
  void pod(const PodShape& shape, std::string_view scheduler_name = "default-scheduler") {
    Draft draft(*pod_object(shape));
    core_v1::PodEdit(draft).edit_metadata().clear_uid();
    core_v1::PodEdit(draft).edit_spec().set_scheduler_name(scheduler_name);
    api.put(pods(), draft.freeze());
  }
  std::string placed(const char* name) {
    ObjectPtr object = api.get(pods(), "default", name);
    return object ? std::string(core_v1::Pod(*object).spec().node_name()) : "deleted";
  }

  SimLoop loop;
  SeededRandom random{1};
  fake::FakeApi api{loop};
  client::Client client{api, "kube-scheduler"};
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(ProfilesTest, SchedulingGatesAndPreemptionCanBeOff) {
  start(
      "profiles:\n- plugins: {preEnqueue: {disabled: [{name: SchedulingGates}]}, "
      "postFilter: {disabled: [{name: DefaultPreemption}]}}\n");
  pod({.name = "gated",
       .requests = R"({"cpu":"4"})",
       .spec = R"("schedulingGates":[{"name":"example.com/x"}])"});
  loop.run_for(seconds(2));
  EXPECT_EQ(placed("gated"), "n1");
  pod({.name = "vip", .requests = R"({"cpu":"4"})", .spec = R"("priority":100)"});
  loop.run_for(seconds(30));
  EXPECT_EQ(placed("vip"), "");
  EXPECT_EQ(placed("gated"), "n1") << "nobody is preempted";
}

TEST_F(ProfilesTest, EventsComeFromTheProfileOfThePod) {
  start("profiles: [{schedulerName: a}, {schedulerName: b}]\n");
  pod({.name = "p"}, "b");
  pod({.name = "q"}, "c");
  loop.run_for(seconds(2));
  EXPECT_EQ(placed("p"), "n1");
  EXPECT_EQ(placed("q"), "");
  std::vector<ObjectPtr> list = api.list(events());
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(core_v1::Event(*list[0]).source().component(), "b");
}

TEST_F(ProfilesTest, Metrics) {
  start("profiles: [{schedulerName: default-scheduler}]\n");
  pod({.name = "ok"});
  pod({.name = "big", .requests = R"({"cpu":"9"})"});
  pod({.name = "gated", .spec = R"("schedulingGates":[{"name":"example.com/x"}])"});
  loop.run_for(seconds(20));
  std::string text = scheduler->metrics_text();
  for (const char* line :
       {"scheduler_schedule_attempts_total{result=\"scheduled\",profile=\"default-scheduler\"} 1\n",
        "scheduler_pod_scheduling_attempts_count 1\n",
        "scheduler_framework_extension_point_duration_seconds_count{extension_point=\"Filter\","
        "status=\"Success\",profile=\"default-scheduler\"} 1\n",
        "scheduler_framework_extension_point_duration_seconds_count{extension_point=\"Bind\","
        "status=\"Success\",profile=\"default-scheduler\"} 1\n",
        "scheduler_pod_scheduling_sli_duration_seconds_count{attempts=\"1\"} 1\n",
        "scheduler_pending_pods{queue=\"unschedulable\"} 1\n",
        "scheduler_pending_pods{queue=\"gated\"} 1\n", "scheduler_cache_size{type=\"pods\"} 1\n",
        "scheduler_unschedulable_pods{plugin=\"NodeResourcesFit\",profile=\"default-scheduler\"} "
        "1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  for (const char* series :
       {"scheduler_queue_incoming_pods_total{queue=\"active\",event=\"UnschedulablePodAdd\"} 2\n",
        "scheduler_queue_incoming_pods_total{queue=\"unschedulable\",event=\"UnschedulablePodAdd\"}"
        " "
        "1\n",
        "scheduler_queue_incoming_pods_total{queue=\"unschedulable\","
        "event=\"ScheduleAttemptFailure\"} ",
        "scheduler_plugin_evaluation_total{plugin=\"NodeResourcesFit\",extension_point=\"Filter\","
        "profile=\"default-scheduler\"} ",
        "scheduler_plugin_execution_duration_seconds_count{plugin=\"NodeResourcesFit\","
        "extension_point=\"Filter\",status="}) {
    EXPECT_NE(text.find(series), std::string::npos) << series << text;
  }
  api.remove(pods(), "default", "big");
  api.finish_deleted_pods();
  loop.run_for(seconds(5));
  text = scheduler->metrics_text();
  EXPECT_NE(text.find("scheduler_unschedulable_pods{plugin=\"NodeResourcesFit\","
                      "profile=\"default-scheduler\"} 0\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace tiphys::scheduler
