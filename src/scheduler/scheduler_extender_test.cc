// The scheduler with extenders, on virtual time: what they say counts, and what may happen while
// they think.
#include "async/sim_loop.h"
#include "client/object_key.h"
#include "scheduler/objects_test.h"
#include "scheduler/scheduler.h"
#include "tests/fake/fake_api.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& events() { return *schema::find_resource("", "v1", "events"); }

constexpr const char* kSmall = R"({"cpu":"1","memory":"1Gi","pods":"10"})";

// Answers what it is told to, after a while.
class FakeExtender : public ExtenderTransport {
 public:
  explicit FakeExtender(Loop& loop) : loop_(loop) {}
  Task<Result<Answer>> post(std::string verb, std::string body, StopToken stop) override {
    asked.push_back(verb);
    questions.push_back(body);
    if (on_question) on_question(verb);
    Duration wait = hangs ? Duration(std::chrono::hours(1)) : delay;
    bool over = true;
    if (wait > Duration::zero()) over = co_await sleep_for(loop_, wait, stop);
    if (!over) co_return ApiStatus::stopped();
    if (down) co_return ApiStatus::service_unavailable("dial tcp: connection refused");
    if (on_answer) on_answer(verb);
    co_return Answer{status, reply ? reply(verb, body) : answers[verb]};
  }
  Task<void> stop() override {
    stopped = true;
    co_return;
  }
  int count(const std::string& verb) const {
    return static_cast<int>(std::count(asked.begin(), asked.end(), verb));
  }

  std::map<std::string, std::string> answers;
  std::function<std::string(const std::string& verb, const std::string& question)> reply;
  std::function<void(const std::string& verb)> on_question, on_answer;
  Duration delay = Duration::zero();
  bool hangs = false, down = false, stopped = false;
  int status = 200;
  std::vector<std::string> asked, questions;

 private:
  Loop& loop_;
};

class ExtenderTest : public testing::Test {
 protected:
  ~ExtenderTest() override {
    if (scheduler) loop.run(scheduler->stop());
    EXPECT_TRUE(fake->stopped);
  }
  void start(ExtenderConfig config) {
    config.url_prefix = "http://extender";
    config.node_cache_capable = true;
    Scheduler::Options options;
    options.extenders.push_back({std::move(config), fake});
    scheduler = std::make_unique<Scheduler>(loop, client, random, std::move(options));
    scheduler->start();
  }
  void node(const NodeShape& shape) { api.put(nodes(), node_object(shape)); }
  void pod(const PodShape& shape) {
    Draft draft(*pod_object(shape));
    core_v1::PodEdit(draft).edit_metadata().clear_uid();
    api.put(pods(), draft.freeze());
  }
  // As somebody else would.
  void bind(const char* name, const char* node_name) {
    Draft draft(*api.get(pods(), "default", name));
    core_v1::PodEdit(draft).edit_spec().set_node_name(node_name);
    api.put(pods(), draft.freeze());
  }
  std::string placed(const char* name) {
    ObjectPtr object = api.get(pods(), "default", name);
    return object ? std::string(core_v1::Pod(*object).spec().node_name()) : "deleted";
  }
  std::string condition(const char* name) {
    core_v1::Pod view(*api.get(pods(), "default", name));
    for (core_v1::PodCondition c : view.status().conditions()) {
      if (c.type() != "PodScheduled") continue;
      return std::string(c.reason()) + ": " + std::string(c.message());
    }
    return "none";
  }
  int bindings() const {
    return static_cast<int>(
        std::ranges::count_if(api.writes(), [](const auto& w) { return w.ends_with("/binding"); }));
  }

  SimLoop loop;
  SeededRandom random{1};
  fake::FakeApi api{loop};
  client::Client client{api, "kube-scheduler"};
  std::shared_ptr<FakeExtender> fake = std::make_shared<FakeExtender>(loop);
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(ExtenderTest, FiltersScoresAndBinds) {
  start(
      {.filter_verb = "filter", .prioritize_verb = "prioritize", .weight = 5, .bind_verb = "bind"});
  fake->answers = {{"filter", R"({"NodeNames":["n3","n2"],"FailedNodes":{"n1":"no"}})"},
                   {"prioritize", R"([{"Host":"n2","Score":1},{"Host":"n3","Score":10}])"},
                   {"bind", "{}"}};
  fake->on_answer = [this](const std::string& verb) {
    if (verb == "bind") bind("web", "n3");
  };
  for (const char* name : {"n1", "n2", "n3"}) node({.name = name});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "n3");
  EXPECT_EQ(bindings(), 0);
  EXPECT_EQ(fake->asked, (std::vector<std::string>{"filter", "prioritize", "bind"}));
  EXPECT_TRUE(fake->questions[1].ends_with(R"("Nodes":null,"NodeNames":["n2","n3"]})"));
  EXPECT_TRUE(fake->questions[2].starts_with(R"({"PodName":"web","PodNamespace":"default",)"));
  EXPECT_TRUE(fake->questions[2].ends_with(R"("Node":"n3"})"));
  ASSERT_EQ(api.list(events()).size(), 1u);
  EXPECT_EQ(core_v1::Event(*api.list(events())[0]).message(),
            "Successfully assigned default/web to n3");
  EXPECT_EQ(scheduler->counters().scheduled, 1);
}

TEST_F(ExtenderTest, OneNodeIsNotScoredAndPodsOfOthersAreNotAskedAbout) {
  start({.filter_verb = "filter",
         .prioritize_verb = "prioritize",
         .weight = 1,
         .bind_verb = "bind",
         .managed_resources = {{.name = "example.com/gpu"}}});
  fake->answers = {{"filter", R"({"NodeNames":["n1"]})"}, {"bind", R"({"Error":"never asked"})"}};
  node({.name = "n1",
        .allocatable = R"({"cpu":"4","memory":"8Gi","pods":"10","example.com/gpu":"2"})"});
  pod({.name = "plain"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("plain"), "n1");
  EXPECT_TRUE(fake->asked.empty());
  fake->answers["bind"] = "{}";
  fake->on_answer = [this](const std::string& verb) {
    if (verb == "bind") bind("gpu", "n1");
  };
  pod({.name = "gpu", .requests = R"({"example.com/gpu":"1"})"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("gpu"), "n1");
  EXPECT_EQ(fake->asked, (std::vector<std::string>{"filter", "bind"}));
}

TEST_F(ExtenderTest, RejectionsAreToldAndAnyChangeOfTheClusterAsksAgain) {
  start({.filter_verb = "filter"});
  fake->answers["filter"] = R"({"NodeNames":[],"FailedNodes":{"n1":"too hot","n2":"both"},)"
                            R"("FailedAndUnresolvableNodes":{"n2":"no gpu"}})";
  for (const char* name : {"n1", "n2", "n3"}) node({.name = name});
  node({.name = "n4", .allocatable = R"({"cpu":"0","memory":"1Gi","pods":"10"})"});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(minutes(2));
  EXPECT_EQ(condition("web"),
            "Unschedulable: 0/4 nodes are available: 1 Insufficient cpu, 1 no gpu, 1 too hot. "
            "preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, "
            "3 Preemption is not helpful for scheduling.");
  EXPECT_EQ(fake->count("filter"), 1) << "at rest nobody is asked";
  fake->answers["filter"] = R"({"NodeNames":["n1"]})";
  node({.name = "n4", .labels = R"("a":"b")", .allocatable = kSmall});
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(ExtenderTest, NodesThatGoWithoutAWordCountAsNothing) {
  start({.filter_verb = "filter"});
  fake->answers["filter"] = "{}";
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  EXPECT_EQ(condition("web"),
            "Unschedulable: 0/1 nodes are available: preemption: 0/1 nodes are available: 1 "
            "Preemption is not helpful for scheduling.");
}

TEST_F(ExtenderTest, AFailingExtenderIsAnErrorAndIsAskedAgain) {
  start({.filter_verb = "filter", .http_timeout = seconds(2)});
  fake->hangs = true;
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  EXPECT_EQ(condition("web"), "none");
  loop.run_for(seconds(2));
  EXPECT_EQ(condition("web"),
            "SchedulerError: Post \"http://extender/filter\": context deadline exceeded "
            "(Client.Timeout exceeded while awaiting headers)");
  fake->hangs = false;
  fake->status = 500;
  loop.run_for(seconds(10));
  EXPECT_EQ(condition("web"),
            "SchedulerError: failed filter with extender at URL http://extender/filter, code 500");
  fake->status = 200;
  fake->answers["filter"] = R"({"NodeNames":["n1"],"Error":"out of order"})";
  loop.run_for(seconds(15));
  EXPECT_EQ(condition("web"), "SchedulerError: out of order");
  fake->answers["filter"] = R"({"NodeNames":["n9"]})";
  loop.run_for(seconds(15));
  EXPECT_EQ(condition("web"),
            "SchedulerError: extender \"http://extender\" claims a filtered node \"n9\" which is "
            "not found in the input node list");
  int before = fake->count("filter");
  loop.run_for(minutes(1));
  EXPECT_LE(fake->count("filter") - before, 7) << "with back-off";
  fake->answers["filter"] = R"({"NodeNames":["n1"]})";
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("web"), "n1");
  EXPECT_EQ(scheduler->pending(), 0u);
}

TEST_F(ExtenderTest, FailuresOfIgnorableOnesAndOfScoresCountNothing) {
  start({.filter_verb = "filter",
         .prioritize_verb = "prioritize",
         .weight = 1,
         .bind_verb = "bind",
         .ignorable = true});
  fake->down = true;
  node({.name = "n1"});
  node({.name = "n2"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  EXPECT_NE(placed("web"), "");
  EXPECT_EQ(bindings(), 1) << "DefaultBinder's turn";
  EXPECT_EQ(scheduler->counters().errors, 0);
}

TEST_F(ExtenderTest, ANodeThatGoesDuringTheCallIsNotChosen) {
  start({.filter_verb = "filter"});
  fake->delay = seconds(2);
  fake->answers["filter"] = R"({"NodeNames":["n1","n2"]})";
  node({.name = "n1"});
  node({.name = "n2"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  api.remove(nodes(), "", "n1");
  loop.run_for(seconds(2));
  EXPECT_EQ(placed("web"), "n2");
}

TEST_F(ExtenderTest, WhenEveryChosenNodeIsGoneThePodTriesAgain) {
  start({.filter_verb = "filter"});
  fake->delay = seconds(2);
  fake->answers["filter"] = R"({"NodeNames":["n1"]})";
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  api.remove(nodes(), "", "n1");
  loop.run_for(seconds(2));
  EXPECT_EQ(placed("web"), "");
  loop.run_for(seconds(5));
  EXPECT_EQ(condition("web"), "Unschedulable: no nodes available to schedule pods");
  node({.name = "n1"});
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(ExtenderTest, RoomThatIsTakenDuringTheCallIsNotGivenTwice) {
  start({.filter_verb = "filter", .prioritize_verb = "prioritize", .weight = 1});
  fake->delay = seconds(1);
  fake->answers = {{"filter", R"({"NodeNames":["n1","n2"]})"},
                   {"prioritize", R"([{"Host":"n1","Score":10}])"}};
  node({.name = "n1", .allocatable = kSmall});
  node({.name = "n2", .allocatable = kSmall});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(std::chrono::milliseconds(1500));
  EXPECT_EQ(fake->count("prioritize"), 1);
  pod({.name = "other", .requests = R"({"cpu":"1"})", .spec = R"("nodeName":"n1")"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "n2");
}

TEST_F(ExtenderTest, AfterManySecondLooksThePodTriesAgain) {
  start({.filter_verb = "filter", .prioritize_verb = "prioritize", .weight = 100});
  std::string names, scores;
  for (int i = 0; i < 20; ++i) {
    std::string name = "n" + std::to_string(i);
    node({.name = name, .allocatable = kSmall});
    names += (i == 0 ? "\"" : ",\"") + name + "\"";
    if (i > 0) scores += (i == 1 ? "" : ",") + (R"({"Host":")" + name + R"(","Score":10})");
  }
  fake->answers = {{"filter", R"({"NodeNames":[)" + names + "]}"},
                   {"prioritize", "[" + scores + "]"}};
  fake->on_question = [this](const std::string& verb) {
    if (verb != "prioritize") return;
    // All but the worst are taken meanwhile.
    for (int i = 1; i < 20; ++i) {
      std::string on = R"("nodeName":"n)" + std::to_string(i) + "\"";
      pod({.name = "p" + std::to_string(i), .requests = R"({"cpu":"1"})", .spec = on});
    }
    fake->answers["filter"] = R"({"NodeNames":["n0"]})";
  };
  fake->delay = std::chrono::milliseconds(100);
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("web"), "n0");
  EXPECT_EQ(fake->count("filter"), 2);
}

TEST_F(ExtenderTest, APodThatGoesDuringTheCallIsForgotten) {
  start({.filter_verb = "filter"});
  fake->delay = seconds(2);
  fake->answers["filter"] = R"({"NodeNames":["n1"]})";
  node({.name = "n1", .allocatable = kSmall});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  pod({.name = "next", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  EXPECT_EQ(fake->count("filter"), 1) << "one at a time";
  api.remove(pods(), "default", "web");
  api.finish_deleted_pods();
  loop.run_for(seconds(4));
  EXPECT_EQ(placed("web"), "deleted");
  EXPECT_EQ(placed("next"), "n1");
  EXPECT_EQ(scheduler->pending(), 0u);
}

TEST_F(ExtenderTest, APodThatSomebodyBindsDuringTheCallIsLeftAlone) {
  start({.filter_verb = "filter"});
  fake->delay = seconds(2);
  fake->answers["filter"] = R"({"NodeNames":["n1"]})";
  node({.name = "n1"});
  node({.name = "n2"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  bind("web", "n2");
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("web"), "n2");
  EXPECT_EQ(bindings(), 0);
}

TEST_F(ExtenderTest, WhatMayHelpDuringTheCallIsNotLost) {
  start({.filter_verb = "filter"});
  fake->delay = seconds(2);
  fake->answers["filter"] = R"({"FailedNodes":{"n1":"no"}})";
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  node({.name = "n2"});
  loop.run_for(seconds(2));
  EXPECT_NE(condition("web"), "none");
  fake->answers["filter"] = R"({"NodeNames":["n2"]})";
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("web"), "n2");
}

TEST_F(ExtenderTest, PodsThatAreAlikeDontStandForEachOther) {
  start({.filter_verb = "filter"});
  fake->answers["filter"] = R"({"FailedNodes":{"n1":"no"}})";
  node({.name = "n1"});
  pod({.name = "a"});
  pod({.name = "b"});
  loop.run_for(seconds(30));
  EXPECT_EQ(fake->count("filter"), 2);
  node({.name = "n2", .spec = R"("unschedulable":true)"});
  loop.run_for(seconds(30));
  EXPECT_EQ(fake->count("filter"), 4) << "each is asked about";
}

TEST_F(ExtenderTest, ABindingThatFailsGivesTheRoomBack) {
  start({.filter_verb = "", .bind_verb = "bind"});
  fake->answers["bind"] = R"({"Error":"no card"})";
  node({.name = "n1", .allocatable = kSmall});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(std::chrono::milliseconds(500));
  EXPECT_EQ(condition("web"), "SchedulerError: no card");
  EXPECT_EQ(bindings(), 0);
  fake->answers["bind"] = "{}";
  fake->on_answer = [this](const std::string&) { bind("web", "n1"); };
  loop.run_for(seconds(10));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(ExtenderTest, ALostAnswerToABindingDoublesNothing) {
  start({.filter_verb = "", .bind_verb = "bind", .http_timeout = seconds(1)});
  fake->hangs = true;
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(std::chrono::milliseconds(500));
  bind("web", "n1");
  loop.run_for(minutes(1));
  EXPECT_EQ(fake->count("bind"), 1);
  EXPECT_EQ(scheduler->pending(), 0u);
}

TEST_F(ExtenderTest, HasASayInPreemption) {
  start({.preempt_verb = "preempt"});
  for (const char* name : {"n1", "n2"}) node({.name = name, .allocatable = kSmall});
  pod({.name = "low", .requests = R"({"cpu":"1"})", .spec = R"("nodeName":"n1","priority":1)"});
  pod({.name = "mid", .requests = R"({"cpu":"1"})", .spec = R"("nodeName":"n2","priority":5)"});
  loop.run_for(seconds(1));
  fake->answers["preempt"] = R"({"NodeNameToMetaVictims":{}})";
  pod({.name = "high", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  loop.run_for(seconds(1));
  EXPECT_EQ(condition("high"),
            "Unschedulable: 0/2 nodes are available: 2 Insufficient cpu. preemption: no candidate "
            "node for preemption");
  fake->down = true;
  node({.name = "n1", .labels = R"("a":"b")", .allocatable = kSmall});
  node({.name = "n3", .allocatable = R"({"cpu":"0","memory":"1Gi","pods":"10"})"});
  // Nothing that helps: the pod is tried again when its time comes.
  loop.run_for(minutes(6));
  EXPECT_EQ(condition("high"),
            "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu. preemption: Post "
            "\"http://extender/preempt\": dial tcp: connection refused");
  fake->down = false;
  std::string uid(client::metadata(*api.get(pods(), "default", "mid")).uid());
  fake->answers["preempt"] = R"({"NodeNameToMetaVictims":{"n2":{"Pods":[{"UID":")" + uid +
                             R"("}],"NumPDBViolations":0}}})";
  loop.run_for(minutes(6));
  EXPECT_TRUE(client::metadata(*api.get(pods(), "default", "mid")).has_deletion_timestamp());
  EXPECT_FALSE(client::metadata(*api.get(pods(), "default", "low")).has_deletion_timestamp());
  api.finish_deleted_pods();
  loop.run_for(seconds(30));
  EXPECT_EQ(placed("high"), "n2");
}

// Every node it is asked about passes.
std::string pass_all(const std::string& verb, const std::string& question) {
  constexpr std::string_view kList = "\"NodeNames\":";
  if (verb != "filter") return "[]";
  return "{" + question.substr(question.rfind(kList));
}

class ExtenderHistoryTest : public ExtenderTest, public testing::WithParamInterface<uint64_t> {
 protected:
  void change_something() {
    std::string name = std::to_string(dice.below(4));
    switch (dice.below(8)) {
      case 0:
      case 1:
        pod({.name = "p" + std::to_string(count++), .requests = R"({"cpu":"1"})"});
        break;
      case 2:
        if (count == 0) break;
        api.remove(pods(), "default", "p" + std::to_string(dice.below(count)));
        api.finish_deleted_pods();
        break;
      case 3:
        api.remove(nodes(), "", "n" + name);
        break;
      case 4:
      case 5:
        node({.name = "n" + name, .allocatable = R"({"cpu":"2","memory":"1Gi","pods":"10"})"});
        break;
      case 6:
        fake->delay = std::chrono::milliseconds(dice.below(4000));
        break;
      default:
        change_mood();
    }
  }
  void change_mood() {
    uint64_t mood = dice.below(4);
    fake->down = mood == 0;
    fake->status = mood == 1 ? 500 : 200;
    fake->reply = pass_all;
    if (mood == 2) fake->reply = [](const auto&, const auto&) { return R"({"Nodes":null})"; };
  }
  void nothing_is_booked_twice() {
    std::map<std::string, int> used;
    for (const ObjectPtr& object : api.list(pods())) {
      std::string on(core_v1::Pod(*object).spec().node_name());
      if (!on.empty()) EXPECT_LE(++used[on], on == "big" ? 1000 : 2) << on;
    }
  }

  SeededRandom dice{GetParam()};
  uint64_t count = 0;
};

TEST_P(ExtenderHistoryTest, NothingIsBookedTwiceAndNobodyIsLost) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  fake->reply = pass_all;
  start({.filter_verb = "filter",
         .prioritize_verb = "prioritize",
         .weight = 1,
         .http_timeout = seconds(3)});
  for (int step = 0; step < 200; ++step) {
    change_something();
    loop.run_for(std::chrono::milliseconds(dice.below(1500)));
    nothing_is_booked_twice();
  }
  fake->down = false;
  fake->status = 200;
  fake->delay = Duration::zero();
  fake->reply = pass_all;
  node({.name = "big", .allocatable = R"({"cpu":"1000","memory":"900Gi","pods":"1000"})"});
  loop.run_for(minutes(1));
  nothing_is_booked_twice();
  for (const ObjectPtr& object : api.list(pods())) {
    EXPECT_NE(core_v1::Pod(*object).spec().node_name(), "") << name_of(*object);
  }
  EXPECT_EQ(scheduler->pending(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExtenderHistoryTest, testing::Range<uint64_t>(1, 31));

TEST_F(ExtenderTest, IfTheNominatedNodeIsRejectedTheOthersAreAskedAbout) {
  start({.filter_verb = "filter"});
  fake->reply = [](const std::string&, const std::string& question) {
    bool both = question.ends_with(R"("n2"]})");
    return both ? R"({"NodeNames":["n2"]})" : R"({"FailedNodes":{"n1":"no"}})";
  };
  node({.name = "n1", .allocatable = kSmall});
  pod({.name = "low", .requests = R"({"cpu":"1"})", .spec = R"("nodeName":"n1","priority":1)"});
  pod({.name = "high", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  loop.run_for(seconds(5));
  EXPECT_EQ(core_v1::Pod(*api.get(pods(), "default", "high")).status().nominated_node_name(), "n1");
  EXPECT_EQ(fake->count("filter"), 0) << "nothing to ask about";
  api.finish_deleted_pods();
  node({.name = "n2", .allocatable = kSmall});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("high"), "n2");
  ASSERT_EQ(fake->count("filter"), 2);
  EXPECT_TRUE(fake->questions[0].ends_with(R"("NodeNames":["n1"]})"));
}

TEST_F(ExtenderTest, StopsInTheMiddleOfACall) {
  start({.filter_verb = "filter"});
  fake->hangs = true;
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(seconds(1));
  EXPECT_EQ(fake->count("filter"), 1);
}

}  // namespace
}  // namespace tiphys::scheduler
