// Questions and answers of extenders in the shapes that upstream documents, and hostile answers.
#include "scheduler/extender_answers.h"

#include "scheduler/extender_questions.h"
#include "scheduler/objects_test.h"

namespace tiphys::scheduler {
namespace {

const ExtenderConfig kNames{.url_prefix = "http://127.0.0.1:8888/", .node_cache_capable = true};
const ExtenderConfig kNodes{.url_prefix = "http://127.0.0.1:8888/"};
const std::vector<std::string> kOffered = {"n1", "n2", "n3"};

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : result.error().message();
}
std::string filter_error(std::string_view body, const ExtenderConfig& config = kNames) {
  return error_of(read_filter_answer(config, kOffered, body));
}

TEST(ExtenderQuestionsTest, InterestIsInManagedResources) {
  ExtenderConfig config{.managed_resources = {{.name = "example.com/gpu"}, {.name = "x.io/y"}}};
  PodPtr plain = make_pod({.requests = R"({"cpu":"1"})"});
  EXPECT_TRUE(is_interested(kNames, *plain)) << "nothing named: every pod";
  EXPECT_FALSE(is_interested(config, *plain));
  EXPECT_TRUE(is_interested(config, *make_pod({.requests = R"({"example.com/gpu":"1"})"})));
  PodPtr init = make_pod(
      {.spec = R"("initContainers":[{"name":"i","resources":{"limits":{"x.io/y":"2"}}}])"});
  EXPECT_TRUE(is_interested(config, *init));
}

TEST(ExtenderQuestionsTest, Shapes) {
  EXPECT_EQ(extender_url(kNames, "filter"), "http://127.0.0.1:8888/filter");
  PodPtr pod = make_pod({.name = "web"});
  std::vector<ObjectPtr> nodes = {node_object({.name = "n1"}), node_object({.name = "n2"})};
  std::string names = extender_args(kNames, *pod, nodes);
  EXPECT_TRUE(names.starts_with(R"({"Pod":{"metadata":{"name":"web","namespace":"default",)"));
  EXPECT_TRUE(names.ends_with(R"(,"Nodes":null,"NodeNames":["n1","n2"]})"));
  std::string whole = extender_args(kNodes, *pod, nodes);
  EXPECT_NE(whole.find(R"("Nodes":{"metadata":{},"items":[{"metadata":{"name":"n1",)"),
            std::string::npos);
  EXPECT_TRUE(whole.ends_with(R"(]},"NodeNames":null})"));
  EXPECT_EQ(extender_binding_args(*pod, "n1"),
            R"({"PodName":"web","PodNamespace":"default","PodUID":"uid-default-web","Node":"n1"})");
}

TEST(ExtenderQuestionsTest, PreemptionShapes) {
  PodPtr pod = make_pod({.name = "web"});
  std::vector<Candidate> candidates = {
      {.node = "n1", .victims = {make_pod({.name = "a"})}, .violations = 1}};
  EXPECT_TRUE(extender_preemption_args(kNames, *pod, candidates)
                  .ends_with(R"(,"NodeNameToVictims":null,"NodeNameToMetaVictims":{"n1":{"Pods":)"
                             R"([{"UID":"uid-default-a"}],"NumPDBViolations":1}}})"));
  std::string whole = extender_preemption_args(kNodes, *pod, candidates);
  EXPECT_NE(whole.find(R"("NodeNameToVictims":{"n1":{"Pods":[{"metadata":{"name":"a",)"),
            std::string::npos);
  EXPECT_TRUE(whole.ends_with(R"(],"NumPDBViolations":1}},"NodeNameToMetaVictims":null})"));
}

TEST(ExtenderAnswersTest, FilterByNamesAndByNodes) {
  Result<Filtered> names = read_filter_answer(
      kNames, kOffered,
      R"({"Nodes":null,"NodeNames":["n3","n1","n3"],"FailedNodes":{"n2":"hot","n7":"?"},)"
      R"("FailedAndUnresolvableNodes":{},"Error":""})");
  ASSERT_TRUE(names) << error_of(names);
  EXPECT_EQ(names->nodes, (std::vector<std::string>{"n1", "n3"})) << "as offered, once";
  ASSERT_EQ(names->rejected.size(), 1u) << "who wasn't offered isn't minded";
  EXPECT_EQ(names->rejected.at("n2").reason, "hot");
  EXPECT_FALSE(names->rejected.at("n2").unresolvable);
  // In any case, as Go reads it.
  Result<Filtered> nodes = read_filter_answer(
      kNodes, kOffered,
      R"({"nodes":{"kind":"NodeList","items":[{"metadata":{"name":"n2"},"spec":{}}]},)"
      R"("failedNodes":{"n1":"a","n3":"b"},"failedAndUnresolvableNodes":{"n3":"c"}})");
  ASSERT_TRUE(nodes) << error_of(nodes);
  EXPECT_EQ(nodes->nodes, (std::vector<std::string>{"n2"}));
  EXPECT_EQ(nodes->rejected.at("n3").reason, "c");
  EXPECT_TRUE(nodes->rejected.at("n3").unresolvable);
  // One that isn't nodeCacheCapable speaks in nodes, one that is may do so, too.
  EXPECT_TRUE(read_filter_answer(kNodes, kOffered, R"({"NodeNames":["n1"]})")->nodes.empty());
  EXPECT_EQ(
      read_filter_answer(kNames, kOffered, R"({"Nodes":{"items":[{"metadata":{"name":"n1"}}]}})")
          ->nodes.size(),
      1u);
  EXPECT_TRUE(read_filter_answer(kNames, kOffered, "null")->nodes.empty());
}

TEST(ExtenderAnswersTest, FilterErrors) {
  EXPECT_EQ(filter_error(R"({"NodeNames":["n1"],"Error":"out of order"})"), "out of order");
  const std::string unknown =
      "extender \"http://127.0.0.1:8888/\" claims a filtered node \"n9\" which is not found in the "
      "input node list";
  EXPECT_EQ(filter_error(R"({"NodeNames":["n1","n9"]})"), unknown);
  EXPECT_EQ(filter_error(R"({"Nodes":{"items":[{"metadata":{"name":"n9"}}]}})", kNodes), unknown);
  EXPECT_EQ(filter_error(""), "EOF");
  EXPECT_EQ(filter_error("<html>"), "invalid character '<' looking for beginning of value");
  EXPECT_EQ(filter_error("[]"),
            "json: cannot unmarshal array into Go value of type v1.ExtenderFilterResult");
  EXPECT_EQ(filter_error(R"({"NodeNames":"n1"})"),
            "json: cannot unmarshal string into Go struct field ExtenderFilterResult.NodeNames of "
            "type []string");
  EXPECT_EQ(filter_error(R"({"NodeNames":[1]})"),
            "json: cannot unmarshal number into Go struct field ExtenderFilterResult.NodeNames of "
            "type string");
  EXPECT_EQ(filter_error(R"({"FailedNodes":{"n1":{}}})"),
            "json: cannot unmarshal object into Go struct field ExtenderFilterResult.FailedNodes "
            "of type string");
  EXPECT_NE(filter_error(R"({"Nodes":{"items":[true]}})", kNodes), "none");
  EXPECT_NE(filter_error(R"({"Nodes":{"items":[{"metadata":{"name":{}}}]}})", kNodes), "none");
}

TEST(ExtenderAnswersTest, LongReasonsAreCutBetweenCharacters) {
  std::string reason = "x";
  while (reason.size() < 2 * kMaxReasonBytes) reason += "\u00e9";
  Result<Filtered> answer =
      read_filter_answer(kNames, kOffered, R"({"FailedNodes":{"n1":")" + reason + "\"}}");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rejected.at("n1").reason, reason.substr(0, kMaxReasonBytes - 1));
}

TEST(ExtenderAnswersTest, PrioritiesAreWeightedAndScaled) {
  ExtenderConfig config{.weight = 3};
  Result<std::map<std::string, int64_t>> scores = read_priorities(
      config, R"([{"Host":"n1","Score":10},{"host":"n2","score":-1},{"Host":"n1","Score":1},null,)"
              R"({"Host":"n3","Score":9223372036854775807},)"
              R"({"Host":"n4","Score":-9223372036854775808}])");
  ASSERT_TRUE(scores) << error_of(scores);
  EXPECT_EQ(scores->at("n1"), 330);
  EXPECT_EQ(scores->at("n2"), -30);
  EXPECT_EQ(scores->at("n3"), INT64_MAX);
  EXPECT_EQ(scores->at("n4"), INT64_MIN);
  EXPECT_EQ(error_of(read_priorities(config, R"([{"Host":"n1","Score":1.5}])")),
            "json: cannot unmarshal number into Go struct field HostPriority.Score of type int64");
  EXPECT_NE(error_of(read_priorities(config, R"([{"Host":"n1","Score":1e300}])")), "none");
  EXPECT_EQ(error_of(read_priorities(config, "{}")),
            "json: cannot unmarshal object into Go value of type v1.HostPriorityList");
}

TEST(ExtenderAnswersTest, PreemptionSpeaksOfPodsThatAreThere) {
  Snapshot snapshot;
  snapshot.set_node(node_object({.name = "n1"}));
  snapshot.add_pod(make_pod({.name = "a"}), "n1");
  auto read = [&](std::string_view body, const ExtenderConfig& config = kNames) {
    return read_preemption_answer(config, snapshot, body);
  };
  auto all = read(R"({"NodeNameToMetaVictims":{"n1":{"Pods":[{"UID":"uid-default-a"},)"
                  R"({"UID":"uid-default-a"}],"NumPDBViolations":2}}})");
  ASSERT_TRUE(all) << error_of(all);
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].victims.size(), 1u);
  EXPECT_EQ((*all)[0].violations, 2);
  EXPECT_EQ(error_of(read(R"({"NodeNameToMetaVictims":{"n2":{"Pods":[]}}})")),
            "nodeinfo not found for node name \"n2\"");
  EXPECT_EQ(error_of(read(R"({"NodeNameToMetaVictims":{"n1":{"Pods":[{"UID":"b"}]}}})")),
            "extender: http://127.0.0.1:8888/ claims to preempt pod (UID: &{b}) on node: n1, but "
            "the pod is not found on that node");
  for (const char* none : {R"({"NodeNameToMetaVictims":{"n1":{"Pods":[]}}})",
                           R"({"NodeNameToMetaVictims":{"n1":null}})"}) {
    EXPECT_EQ(error_of(read(none)), "expected at least one victim pod on node \"n1\"");
    ExtenderConfig ignorable{.ignorable = true};
    auto left = read(none, ignorable);
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->empty());
  }
  EXPECT_TRUE(read("{}")->empty());
  EXPECT_NE(error_of(read(R"({"NodeNameToMetaVictims":{"n1":7}})")), "none");
}

TEST(ExtenderAnswersTest, Binding) {
  EXPECT_TRUE(read_binding_answer("{}"));
  EXPECT_TRUE(read_binding_answer(R"({"Error":""})"));
  EXPECT_EQ(error_of(read_binding_answer(R"({"Error":"no card"})")), "no card");
  EXPECT_EQ(error_of(read_binding_answer("")), "EOF");
}

}  // namespace
}  // namespace tiphys::scheduler
