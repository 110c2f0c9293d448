#include "kubelet/hollow/hollow_nodes.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "kinds/coordination_v1.h"
#include "kinds/pods.h"
#include "kubelet/pods/test_objects.h"
#include "tests/fake/fake_api.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::seconds;

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& leases() {
  return *schema::find_resource("coordination.k8s.io", "v1", "leases");
}

class HollowTest : public testing::Test {
 protected:
  ~HollowTest() override {
    if (hollow_) stop();
  }
  void start(int count, HollowOptions options = {}) {
    options.facts = hollow_facts(4, int64_t{32} << 30);
    hollow_ = std::make_unique<HollowNodes>(loop_, client_, client_, random_, std::move(options));
    for (int i = 0; i < count; ++i) hollow_->up("n-" + std::to_string(i));
    hollow_->start();
  }
  void stop() {
    loop_.run(hollow_->stop());
    hollow_.reset();
  }
  ObjectPtr put_pod(const std::string& name, const std::string& node, const std::string& uid = "") {
    return api_.put(pods(), object_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" +
                                      name + R"(","namespace":"d"},"spec":{"nodeName":")" + node +
                                      R"(","containers":[{"name":"c","image":"x"}]}})"));
  }
  std::string phase(const std::string& name) {
    ObjectPtr pod = api_.get(pods(), "d", name);
    return pod ? std::string(core_v1::Pod(*pod).status().phase()) : "gone";
  }
  std::string ip(const std::string& name) {
    return std::string(core_v1::Pod(*api_.get(pods(), "d", name)).status().pod_ip());
  }
  size_t writes(std::string_view part) {
    size_t count = 0;
    for (const std::string& write : api_.writes()) count += write.find(part) != std::string::npos;
    return count;
  }

  SimLoop loop_;
  fake::FakeApi api_{loop_};
  SeededRandom random_{1};
  client::Client client_{api_, "hollow-kubelet"};
  std::unique_ptr<HollowNodes> hollow_;
};

TEST_F(HollowTest, NodesRegisterAndRenewEvenly) {
  start(100);
  loop_.run_for(seconds(20));
  EXPECT_EQ(hollow_->registered(), 100U);
  core_v1::Node node(*api_.get(nodes(), "", "n-7"));
  EXPECT_EQ(node.status().allocatable().find("cpu"), "4");
  EXPECT_EQ(node.status().conditions().size(), 4U);
  ObjectPtr lease = api_.get(leases(), "kube-node-lease", "n-7");
  ASSERT_TRUE(lease);
  EXPECT_EQ(coordination_v1::Lease(*lease).spec().lease_duration_seconds(), 40);
  EXPECT_EQ(coordination_v1::Lease(*lease).metadata().owner_references()[0].kind(), "Node");
  for (int i = 0; i < 20; ++i) {
    size_t before = writes("PUT /apis/coordination.k8s.io");
    loop_.run_for(seconds(1));
    EXPECT_NEAR(static_cast<double>(writes("PUT /apis/coordination.k8s.io") - before), 10, 4);
  }
  EXPECT_NEAR(static_cast<double>(writes("/status")), 100 * 40 / 300, 1)
      << "a status that is as it was is written again every 5 minutes";
}

TEST_F(HollowTest, ReportsEveryFiveMinutes) {
  start(10);
  loop_.run_for(std::chrono::minutes(5) + seconds(1));
  EXPECT_EQ(writes("/status"), 10U);
  loop_.run_for(std::chrono::minutes(5));
  EXPECT_EQ(writes("/status"), 20U);
}

TEST_F(HollowTest, WhatOthersSayOfANodeIsSetRight) {
  start(1);
  loop_.run_for(seconds(1));
  Draft draft(*api_.get(nodes(), "", "n-0"));
  core_v1::NodeEdit(draft).edit_status().edit_conditions()[3].set_status("Unknown");
  api_.put(nodes(), draft.freeze());
  loop_.run_for(seconds(1));
  EXPECT_EQ(core_v1::Node(*api_.get(nodes(), "", "n-0")).status().conditions()[3].status(), "True");
}

TEST_F(HollowTest, ANodeThatComesBackIsReadyAgain) {
  start(1);
  put_pod("a", "n-0");
  loop_.run_for(seconds(1));
  hollow_->down("n-0");
  Draft draft(*api_.get(nodes(), "", "n-0"));
  core_v1::NodeEdit(draft).edit_status().edit_conditions()[3].set_status("Unknown");
  api_.put(nodes(), draft.freeze());
  put_pod("b", "n-0");
  loop_.run_for(std::chrono::minutes(10));
  EXPECT_EQ(phase("b"), "");
  EXPECT_EQ(core_v1::Node(*api_.get(nodes(), "", "n-0")).status().conditions()[3].status(),
            "Unknown");
  hollow_->up("n-0");
  loop_.run_for(seconds(1));
  EXPECT_EQ(phase("b"), "Running");
  EXPECT_EQ(core_v1::Node(*api_.get(nodes(), "", "n-0")).status().conditions()[3].status(), "True");
}

TEST_F(HollowTest, PodsRunWithAddressesOfTheirNode) {
  api_.put(nodes(), object_of(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n-0"},
      "spec":{"podCIDR":"10.9.8.0/24","podCIDRs":["10.9.8.0/24"]}})"));
  start(2);
  loop_.run_for(seconds(1));
  for (const char* name : {"a", "b"}) put_pod(name, "n-0");
  put_pod("c", "n-1");
  put_pod("foreign", "other");
  put_pod("unplaced", "");
  loop_.run_for(seconds(1));
  EXPECT_EQ(phase("a"), "Running");
  EXPECT_TRUE(kinds::is_ready(core_v1::Pod(*api_.get(pods(), "d", "a"))));
  EXPECT_EQ(ip("a"), "10.9.8.1");
  EXPECT_EQ(ip("b"), "10.9.8.2");
  EXPECT_EQ(ip("c"), "100.64.0.1");
  EXPECT_EQ(phase("foreign"), "");
  EXPECT_EQ(phase("unplaced"), "");
  size_t before = writes("/pods/");
  EXPECT_EQ(before, 3U) << "one write a pod";
  loop_.run_for(std::chrono::minutes(10));
  EXPECT_EQ(writes("/pods/"), before);
}

TEST_F(HollowTest, DeletedPodsGo) {
  start(1, {.stop_after = seconds(5)});
  put_pod("a", "n-0");
  loop_.run_for(seconds(1));
  api_.remove(pods(), "d", "a");
  loop_.run_for(seconds(4));
  EXPECT_EQ(phase("a"), "Running");
  loop_.run_for(seconds(2));
  EXPECT_EQ(phase("a"), "gone");
  EXPECT_EQ(writes("PUT /api/v1/namespaces/d/pods/a/status"), 2U) << "running, then ended";
  EXPECT_EQ(writes("DELETE /api/v1/namespaces/d/pods/a"), 1U);
}

TEST_F(HollowTest, AnotherPodOfTheSameName) {
  start(1);
  put_pod("a", "n-0");
  loop_.run_for(seconds(1));
  std::string first = ip("a");
  api_.store().erase(pods(), "d", "a");
  put_pod("a", "n-0");
  api_.break_watches();
  loop_.run_for(seconds(60));
  EXPECT_EQ(phase("a"), "Running");
  EXPECT_NE(ip("a"), "");
}

TEST_F(HollowTest, FaultsOnlyDelay) {
  start(3);
  loop_.run_for(seconds(1));
  int n = 0;
  api_.before = [&n](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.method == "GET" || ++n % 2 == 0) return std::nullopt;
    return n % 4 == 1 ? ApiStatus::conflict("", "pods", "x", "try again")
                      : ApiStatus::internal("boom");
  };
  for (int i = 0; i < 30; ++i) put_pod("p-" + std::to_string(i), "n-" + std::to_string(i % 3));
  loop_.run_for(seconds(30));
  api_.compact();
  api_.break_watches();
  loop_.run_for(seconds(60));
  std::set<std::string> ips;
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(phase("p-" + std::to_string(i)), "Running");
    ips.insert(ip("p-" + std::to_string(i)));
  }
  EXPECT_EQ(ips.size(), 30U);
}

TEST_F(HollowTest, AServerThatIsAwayIsNotStormed) {
  start(20);
  loop_.run_for(seconds(1));
  size_t before = api_.request_count();
  api_.before = [](const client::Request&) { return ApiStatus::service_unavailable("away"); };
  loop_.run_for(std::chrono::minutes(10));
  EXPECT_LT(api_.request_count() - before, 20U * 600 / 5);
  api_.before = nullptr;
  loop_.run_for(seconds(10));
  MicroTime oldest = loop_.wall();
  for (const ObjectPtr& lease : api_.list(leases())) {
    oldest = std::min(oldest, coordination_v1::Lease(*lease).spec().renew_time());
  }
  EXPECT_GT(oldest, loop_.wall() - 20 * kMicrosPerSecond);
}

TEST_F(HollowTest, ADeletedNodeStaysDeleted) {
  start(2);
  loop_.run_for(seconds(1));
  api_.remove(nodes(), "", "n-0");
  loop_.run_for(std::chrono::minutes(10));
  EXPECT_FALSE(api_.get(nodes(), "", "n-0"));
  EXPECT_EQ(hollow_->registered(), 1U);
  hollow_->up("n-0");
  loop_.run_for(seconds(1));
  EXPECT_TRUE(api_.get(nodes(), "", "n-0"));
}

TEST_F(HollowTest, ANewProcessTakesOver) {
  start(2);
  put_pod("a", "n-0");
  put_pod("b", "n-1");
  loop_.run_for(seconds(1));
  std::string before = ip("a");
  stop();
  put_pod("c", "n-0");
  size_t written = writes("/pods/");
  start(2);
  loop_.run_for(seconds(1));
  EXPECT_EQ(ip("a"), before);
  EXPECT_EQ(phase("c"), "Running");
  EXPECT_NE(ip("c"), before);
  EXPECT_EQ(writes("/pods/"), written + 1);
  EXPECT_EQ(hollow_->registered(), 2U);
}

TEST_F(HollowTest, NodesAreRemovedOnRequest) {
  start(300);
  loop_.run_for(seconds(1));
  loop_.run(hollow_->remove_nodes());
  loop_.run_for(std::chrono::minutes(1));
  EXPECT_TRUE(api_.list(nodes()).empty());
  EXPECT_TRUE(api_.list(leases()).empty());
}

TEST_F(HollowTest, AHostileServerOnlyWastesItsOwnTime) {
  start(2);
  loop_.run_for(seconds(1));
  api_.after = [](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.method == "GET") return std::nullopt;
    return ApiStatus::internal("done, but I don't tell you");
  };
  api_.put(pods(), object_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"odd",
      "namespace":"d"},"spec":{"nodeName":"n-0","hostNetwork":true},"status":{"phase":"x",
      "podIPs":[{"ip":"999"},{"ip":""},{"ip":"::1"}]}})"));
  Draft draft(*api_.get(nodes(), "", "n-1"));
  core_v1::NodeEdit(draft).edit_spec().edit_pod_cidrs().append("10.0.0.0/99");
  core_v1::NodeEdit(draft).edit_status().edit_conditions().clear();
  api_.put(nodes(), draft.freeze());
  put_pod("a", "n-1");
  size_t before = api_.request_count();
  loop_.run_for(std::chrono::minutes(2));
  EXPECT_EQ(phase("a"), "Running");
  EXPECT_EQ(ip("a"), "100.64.0.1");
  EXPECT_LT(api_.request_count() - before, 400U);
}

}  // namespace
}  // namespace tiphys::kubelet
