// Stories of server-side apply, asked over the API.
#include "apiserver/api_server_fixture.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kApply[] = "application/apply-patch+yaml";
constexpr char kMerge[] = "application/merge-patch+json";
constexpr char kMap[] = "/api/v1/namespaces/default/configmaps/c";
constexpr char kDeployments[] = "/apis/apps/v1/namespaces/default/deployments";
constexpr char kDeployment[] = "/apis/apps/v1/namespaces/default/deployments/d";
constexpr char kAutoscalers[] = "/namespaces/default/horizontalpodautoscalers/h";

std::string map_of(std::string data, std::string more = "") {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c")" + more + R"(},"data":)" +
         data + "}";
}

std::string deployment_of(std::string containers, std::string more = "") {
  return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{)" + more +
         R"("selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},)"
         R"("spec":{"containers":)" +
         containers + "}}}}";
}

class ApplyTest : public ApiServerTest {
 protected:
  Reply apply(std::string path, std::string config, std::string query = "fieldManager=m1") {
    return ask("PATCH", path + "?" + query, std::move(config), kApply);
  }
};

TEST_F(ApplyTest, lists_take_the_applied_order_and_keep_what_others_put_between) {
  ASSERT_EQ(
      apply(kDeployment, deployment_of(R"([{"name":"a","image":"i"},{"name":"b","image":"i"}])"))
          .status,
      201);
  Reply other = apply(kDeployment, deployment_of(R"([{"name":"z","image":"i"}])"),
                      "fieldManager=m2&force=true");
  ASSERT_EQ(other.status, 200) << other.body;
  Reply sorted =
      apply(kDeployment, deployment_of(R"([{"name":"b","image":"i"},{"name":"a","image":"i"}])"));
  ASSERT_EQ(sorted.status, 200) << sorted.body;
  size_t a = sorted.body.find("\"name\":\"a\"");
  size_t b = sorted.body.find("\"name\":\"b\"");
  EXPECT_LT(b, a);
  EXPECT_THAT(sorted.body, HasSubstr("\"name\":\"z\""));
}

TEST_F(ApplyTest, configurations_are_checked_against_the_type) {
  auto refused = [&](std::string config) { return at(apply(kMap, config).body, {"message"}); };
  EXPECT_EQ(refused(map_of("{}", R"(,"foo":1)")),
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .metadata.foo: field "
            "not declared in schema");
  EXPECT_EQ(refused(map_of(R"({"n":5})")),
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .data.n: expected "
            "string, got &value.valueUnstructured{Value:5}");
  EXPECT_EQ(refused(map_of(R"([1])")),
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .data: expected map, "
            "got &{[1]}");
  EXPECT_EQ(refused(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"c"}})"),
            "invalid object type: /v1, Kind=Secret");
  EXPECT_EQ(refused("[1]"),
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
            "unmarshal array into Go value of type map[string]interface {}");
  Reply twice =
      apply(kDeployment, deployment_of(R"([{"name":"a","image":"i"},{"name":"a","image":"j"}])"));
  EXPECT_EQ(twice.status, 500);
  EXPECT_THAT(twice.body, HasSubstr(R"(duplicate entries for key [name=\"a\"])"));
  Reply keyless = apply(kDeployment, deployment_of(R"([{"image":"i"}])"));
  EXPECT_THAT(keyless.body, HasSubstr(R"(element 0: associative list with keys has an element)"));
}

TEST_F(ApplyTest, ports_have_a_default_key) {
  std::string with =
      R"([{"name":"a","image":"i","ports":[{"containerPort":80,"protocol":"TCP"}]}])";
  std::string without =
      R"([{"name":"a","image":"i","ports":[{"containerPort":80,"name":"http"}]}])";
  ASSERT_EQ(apply(kDeployment, deployment_of(with)).status, 201);
  Reply again = apply(kDeployment, deployment_of(without), "fieldManager=m2");
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_THAT(again.body, HasSubstr(R"("ports":[{"name":"http","containerPort":80)"));
}

TEST_F(ApplyTest, kubectl_takes_over_from_client_side_apply) {
  std::string last =
      R"({\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"},)"
      R"(\"data\":{\"a\":\"1\"}}\n)";
  std::string annotated = map_of(
      R"({"a":"1"})",
      R"(,"annotations":{"kubectl.kubernetes.io/last-applied-configuration":")" + last + R"("})");
  ASSERT_EQ(
      ask("POST", "/api/v1/namespaces/default/configmaps?fieldManager=kubectl-client-side-apply",
          annotated)
          .status,
      201);
  EXPECT_EQ(apply(kMap, map_of(R"({"a":"2"})"), "fieldManager=other").status, 409);
  Reply taken = apply(kMap, map_of(R"({"a":"2"})"), "fieldManager=kubectl");
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(at(taken.body, {"data", "a"}), "2");
  EXPECT_EQ(at(taken.body,
               {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"}),
            R"({"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"c"}})"
            "\n");
  // What somebody else changed since is no longer kubectl's.
  ASSERT_EQ(
      ask("PATCH", std::string(kMap) + "?fieldManager=editor", R"({"data":{"a":"3"}})", kMerge)
          .status,
      200);
  EXPECT_EQ(apply(kMap, map_of(R"({"a":"4"})"), "fieldManager=kubectl").status, 409);
}

TEST_F(ApplyTest, what_is_applied_no_more_goes_unless_others_own_it) {
  ASSERT_EQ(apply(kMap, map_of(R"({"a":"1","b":"1"})")).status, 201);
  ASSERT_EQ(apply(kMap, map_of(R"({"b":"1"})"), "fieldManager=m2").status, 200);
  Reply less = apply(kMap, map_of(R"({"c":"1"})"));
  EXPECT_EQ(at(less.body, {"data"}), R"({"b":"1","c":"1"})");
}

TEST_F(ApplyTest, versions_of_a_kind_share_their_owners) {
  std::string v2 =
      R"({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":)"
      R"({"name":"h"},"spec":{"scaleTargetRef":{"apiVersion":"e/v1","kind":"D","name":"d"},)"
      R"("maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"cpu",)"
      R"("target":{"type":"Utilization","averageUtilization":50}}}]}})";
  std::string v1 =
      R"({"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":)"
      R"({"name":"h"},"spec":{"scaleTargetRef":{"apiVersion":"e/v1","kind":"D","name":"d"},)"
      R"("maxReplicas":5}})";
  Reply made = apply("/apis/autoscaling/v2" + std::string(kAutoscalers), v2);
  ASSERT_EQ(made.status, 201) << made.body;
  Reply conflict = apply("/apis/autoscaling/v1" + std::string(kAutoscalers), v1, "fieldManager=m2");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_THAT(conflict.body, HasSubstr(".spec.maxReplicas"));
  // The same manager by another version: what it applied before and does not now goes.
  Reply moved = apply("/apis/autoscaling/v1" + std::string(kAutoscalers), v1);
  ASSERT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(at(moved.body, {"spec", "maxReplicas"}), "5");
  EXPECT_THAT(moved.body, Not(HasSubstr("\"apiVersion\":\"autoscaling/v2\",\"time")));
}

TEST_F(ApplyTest, scales_are_applied) {
  ASSERT_EQ(
      ask("POST", kDeployments, deployment_of(R"([{"name":"a","image":"i"}])", R"("replicas":1,)"))
          .status,
      201);
  std::string scale = R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d",)"
                      R"("namespace":"default"},"spec":{"replicas":4}})";
  std::string path = std::string(kDeployment) + "/scale";
  Reply conflict = apply(path, scale);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(at(conflict.body, {"message"}),
            "Apply failed with 1 conflict: conflict with \"test\" using autoscaling/v1: "
            ".spec.replicas");
  Reply forced = apply(path, scale, "fieldManager=m1&force=true");
  ASSERT_EQ(forced.status, 200) << forced.body;
  std::string object = ask("GET", kDeployment).body;
  EXPECT_EQ(at(object, {"spec", "replicas"}), "4");
  EXPECT_THAT(object, HasSubstr(R"("manager":"m1","operation":"Apply","apiVersion":"apps/v1")"));
  EXPECT_THAT(object, HasSubstr(R"("subresource":"scale")"));
}

TEST_F(ApplyTest, a_write_takes_nothing_that_its_endpoint_never_sets) {
  ASSERT_EQ(ask("POST", kDeployments, deployment_of(R"([{"name":"a","image":"i"}])")).status, 201);
  std::string status = R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},)"
                       R"("status":{"observedGeneration":7}})";
  Reply applied = apply(std::string(kDeployment) + "/status", status);
  ASSERT_EQ(applied.status, 200) << applied.body;
  Reply patched = ask("PATCH", kDeployment, R"({"status":{"observedGeneration":9}})", kMerge);
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(at(patched.body, {"status", "observedGeneration"}), "7");
  EXPECT_THAT(patched.body, HasSubstr(R"("f:status":{"f:observedGeneration":{}})"));
}

TEST_F(ApplyTest, managers_that_cannot_be_read_are_reset) {
  ASSERT_EQ(apply(kMap, map_of(R"({"a":"1"})")).status, 201);
  Reply reset = ask("PATCH", kMap, R"({"metadata":{"managedFields":[{}]}})", kMerge);
  ASSERT_EQ(reset.status, 200) << reset.body;
  EXPECT_THAT(reset.body, Not(HasSubstr("managedFields")));
  // Who was there before is told of by the next apply.
  Reply next = apply(kMap, map_of(R"({"b":"1"})"), "fieldManager=m2");
  EXPECT_THAT(next.body, HasSubstr("before-first-apply"));
}

TEST_F(ApplyTest, only_so_many_updates_are_told_apart) {
  ASSERT_EQ(ask("POST", "/api/v1/namespaces/default/configmaps", map_of(R"({"k":"v"})")).status,
            201);
  Reply last;
  for (int i = 0; i < 12; ++i) {
    std::string n = std::to_string(i);
    last = ask("PATCH", std::string(kMap) + "?fieldManager=m" + n,
               R"({"data":{"k)" + n + R"(":"v"}})", kMerge);
    ASSERT_EQ(last.status, 200) << last.body;
  }
  EXPECT_THAT(last.body, HasSubstr("ancient-changes"));
  size_t managers = 0;
  for (size_t i = 0; (i = last.body.find("\"manager\":", i)) != std::string::npos; ++i) ++managers;
  EXPECT_EQ(managers, 10u);
}

TEST_F(ApplyTest, what_says_nothing_new_is_no_write) {
  Reply first = apply(kMap, map_of(R"({"a":"1"})"));
  loop_.run(sleep_for(loop_, std::chrono::seconds(5)));
  Reply second = apply(kMap, map_of(R"({"a":"1"})"));
  EXPECT_EQ(second.body, first.body);
}

}  // namespace
}  // namespace tiphys::apiserver
