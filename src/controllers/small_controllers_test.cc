// The small controllers around the workloads: their pure parts.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/bootstrap_signer.h"
#include "controllers/control_world_test.h"
#include "controllers/controller_manager.h"
#include "controllers/endpoint_slice_mirroring.h"
#include "controllers/node_ttl.h"
#include "controllers/service_account_tokens.h"
#include "kinds/discovery_v1.h"

namespace tiphys::controllers {
namespace {

constexpr MicroTime kNow = 1'700'000'000 * kMicrosPerSecond;

ObjectPtr bootstrap_token(std::string_view id, std::string_view expiration = "") {
  Draft draft = core_v1::Secret::make();
  core_v1::SecretEdit secret(draft);
  secret.edit_metadata().set_name("bootstrap-token-" + std::string(id));
  secret.edit_metadata().set_namespace("kube-system");
  secret.set_type("bootstrap.kubernetes.io/token");
  secret.edit_data().set("token-id", id);
  secret.edit_data().set("token-secret", "0123456789abcdef");
  secret.edit_data().set("usage-bootstrap-signing", "true");
  if (!expiration.empty()) secret.edit_data().set("expiration", expiration);
  return draft.freeze();
}

TEST(BootstrapSigner, SignsWithoutTheContent) {
  EXPECT_EQ(
      detached_signature("apiVersion: v1\n", "abcdef", "0123456789abcdef"),
      "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..K1chermAQEq0rdqy-ehj0VDfmA_ytv8Wzh9g26FldrE");
}

TEST(BootstrapSigner, OnlyTokensThatMaySign) {
  EXPECT_TRUE(signing_token(*bootstrap_token("abcdef"), kNow));
  EXPECT_TRUE(signing_token(*bootstrap_token("abcdef", "2099-01-01T00:00:00Z"), kNow));
  EXPECT_FALSE(signing_token(*bootstrap_token("abcdef", "2020-01-01T00:00:00Z"), kNow));
  EXPECT_FALSE(signing_token(*bootstrap_token("abcdef", "soon"), kNow));
  EXPECT_FALSE(signing_token(*bootstrap_token("ABCDEF"), kNow));
  Draft other(*bootstrap_token("abcdef"));
  core_v1::SecretEdit(other).edit_data().set("token-id", "fedcba");
  EXPECT_FALSE(signing_token(*other.freeze(), kNow)) << "another name";
  Draft unused(*bootstrap_token("abcdef"));
  core_v1::SecretEdit(unused).edit_data().set("usage-bootstrap-signing", "yes");
  EXPECT_FALSE(signing_token(*unused.freeze(), kNow));
}

TEST(NodeTtl, StepsAreLeftLate) {
  TtlSteps steps;
  EXPECT_EQ(steps.seconds_for(1), 0);
  EXPECT_EQ(steps.seconds_for(100), 0);
  EXPECT_EQ(steps.seconds_for(101), 15);
  EXPECT_EQ(steps.seconds_for(90), 15) << "not back yet";
  EXPECT_EQ(steps.seconds_for(89), 0);
  EXPECT_EQ(steps.seconds_for(5000), 300);
  EXPECT_EQ(steps.seconds_for(0), 0);
}

TEST(ServiceAccountTokens, ClaimsAreUpstreams) {
  Draft account = core_v1::ServiceAccount::make();
  edit_metadata(account).set_name("robot");
  edit_metadata(account).set_uid("u1");
  Draft secret = core_v1::Secret::make();
  edit_metadata(secret).set_name("robot-token");
  edit_metadata(secret).set_namespace("ns");
  EXPECT_EQ(legacy_token_claims(core_v1::ServiceAccount(*account.freeze()), *secret.freeze()),
            R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"ns",)"
            R"("kubernetes.io/serviceaccount/secret.name":"robot-token",)"
            R"("kubernetes.io/serviceaccount/service-account.name":"robot",)"
            R"("kubernetes.io/serviceaccount/service-account.uid":"u1",)"
            R"("sub":"system:serviceaccount:ns:robot"})");
}

// What a threshold leaves of five pods: four that have ended, the third of them evicted.
std::set<std::string> left_by(int64_t threshold) {
  ControlWorld world(1, {"root-ca-certificate-publisher-controller"});
  world.nodes.hold(true);
  world.options.controllers = {"pod-garbage-collector-controller"};
  world.options.pod_gc.terminated_threshold = threshold;
  world.restart();
  Draft node = core_v1::Node::make();
  edit_metadata(node).set_name("node-1");
  world.api.put(nodes(), node.freeze());
  for (std::string name : {"Succeeded-1", "Failed-2", "Failed-3", "Succeeded-4", "Running-5"}) {
    Draft draft = core_v1::Pod::make();
    core_v1::PodEdit pod(draft);
    pod.edit_metadata().set_name(to_lower(name));
    pod.edit_metadata().set_namespace("default");
    pod.edit_metadata().set_creation_timestamp(world.loop.wall());
    pod.edit_spec().set_node_name("node-1");
    pod.edit_status().set_phase(name.substr(0, name.find('-')));
    if (name == "Failed-3") pod.edit_status().set_reason("Evicted");
    world.api.put(pods(), draft.freeze());
    world.loop.run_for(seconds(1));
  }
  world.loop.run_for(minutes(2));
  std::set<std::string> left;
  for (const ObjectPtr& pod : world.api.list(pods(), "default")) left.emplace(name_of(*pod));
  return left;
}

// --terminated-pod-gc-threshold.
TEST(PodGc, of_too_many_finished_pods_the_evicted_and_the_oldest_go) {
  using Names = std::set<std::string>;
  EXPECT_EQ(left_by(4), (Names{"succeeded-1", "failed-2", "failed-3", "succeeded-4", "running-5"}));
  EXPECT_EQ(left_by(3), (Names{"succeeded-1", "failed-2", "succeeded-4", "running-5"}));
  EXPECT_EQ(left_by(1), (Names{"succeeded-4", "running-5"}));
  EXPECT_EQ(left_by(0).size(), 5u) << "no limit";
}

TEST(EndpointSliceMirroring, AThousandAddressesAndNoMore) {
  Draft draft = core_v1::Endpoints::make();
  core_v1::EndpointsEdit endpoints(draft);
  edit_metadata(draft).set_name("db");
  edit_metadata(draft).set_namespace("ns");
  core_v1::EndpointSubsetEdit subset = endpoints.edit_subsets().append();
  subset.edit_addresses().append().set_ip("0nonsense");
  for (int i = 0; i < 1003; ++i) {
    subset.edit_addresses().append().set_ip("10.1." + std::to_string(i / 250) + "." +
                                            std::to_string(i % 250));
  }
  Decision decision = mirror_endpoints(draft.freeze(), {}, kMaxEndpointsPerSubset);
  ASSERT_EQ(decision.actions.size(), 3u);
  EXPECT_EQ(discovery_v1::EndpointSlice(*decision.actions[0].object).endpoints().size(), 1000u);
  EXPECT_EQ(decision.actions[1].success->message,
            "Skipped 1 invalid IP addresses when mirroring to EndpointSlices");
  EXPECT_EQ(decision.actions[2].success->message,
            "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 4 "
            "addresses were skipped");
}

TEST(ControllerNames, UpstreamsAreKnownAndMissingOnesNamed) {
  ControlWorld world(1, {});
  auto made = [&](std::vector<std::string> names) {
    ControllerManager::Options options;
    options.controllers = std::move(names);
    auto manager = ControllerManager::create(world.loop, world.client, world.random, options);
    return manager ? std::string() : std::string(manager.error().message());
  };
  EXPECT_EQ(made({"*", "-persistentvolume-binder-controller", "-ttl", "bootstrapsigner"}), "");
  EXPECT_EQ(made({"nope"}), "\"nope\" is not in the list of known controllers");
  EXPECT_EQ(made({"*", "attachdetach"}),
            "controller \"persistentvolume-attach-detach-controller\" is not implemented");
}

}  // namespace
}  // namespace tiphys::controllers
