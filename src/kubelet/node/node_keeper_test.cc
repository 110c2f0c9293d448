// The node's registration, status and lease while the API server, or the runtime, is away for an
// hour of virtual time.
#include "kubelet/node/node_keeper.h"

#include <gtest/gtest.h>

#include "async/epoll_loop.h"
#include "async/sim_loop.h"
#include "kinds/coordination_v1.h"
#include "kubelet/pods/test_objects.h"
#include "kubelet/runtime/cri.h"
#include "tests/fake/fake_api.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& leases() {
  return *schema::find_resource("coordination.k8s.io", "v1", "leases");
}

// The runtime's supervisor is never started: the node isn't Ready.
class NodeKeeperTest : public testing::Test {
 protected:
  NodeKeeperTest() {
    options.node_name = "n";
    options.node_ip = "10.0.0.1";
    options.data_dir = options.root_dir = testing::TempDir();
    options.container_runtime_endpoint = "unix:///nowhere.sock";
    options.configure_cni = false;
    api.before = [this](const client::Request& request) -> std::optional<ApiStatus> {
      bool lease = request.path.find("leases") != std::string::npos;
      ++(lease ? lease_calls : node_calls);
      if (!away) return std::nullopt;
      return ApiStatus::service_unavailable("connection refused");
    };
  }
  ~NodeKeeperTest() override { loop.run(keeper->stop()); }
  void start() {
    keeper.emplace(loop, pool, client, cri, containerd, options);
    keeper->start(10250);
  }
  MicroTime renewed() const {
    ObjectPtr lease = api.get(leases(), "kube-node-lease", "n");
    return lease ? coordination_v1::Lease(*lease).spec().renew_time() : 0;
  }
  void count_anew() { node_calls = lease_calls = 0; }

  SimLoop loop;
  EpollLoop sockets;  // of the runtime, which nobody calls
  WorkerPool pool{0};
  StopSource stop;
  Options options;
  bool away = false;
  int node_calls = 0;
  int lease_calls = 0;
  fake::FakeApi api{loop};
  client::Client client{api, "kubelet"};
  Cri cri{sockets, "/nowhere.sock", stop.token()};
  Containerd containerd{sockets, pool, cri, options};
  std::optional<NodeKeeper> keeper;
};

TEST_F(NodeKeeperTest, a_server_that_is_away_for_an_hour_is_asked_at_intervals) {
  start();
  loop.run_for(minutes(5));
  ASSERT_TRUE(keeper->node());
  EXPECT_NEAR(static_cast<double>(loop.wall() - renewed()), 0, 11e6);
  away = true;
  count_anew();
  loop.run_for(hours(1));
  EXPECT_LE(node_calls, 3600 / 10 + 10) << "as often as a status is due";
  EXPECT_LE(lease_calls, 3600 / 7 + 20);
  EXPECT_GT(lease_calls, 100);
  away = false;
  count_anew();
  MicroTime back = loop.wall();
  loop.run_for(seconds(8));
  EXPECT_GE(renewed(), back) << "without it the node counts as lost";
  loop.run_for(seconds(10));
  ObjectPtr node = api.get(nodes(), "", "n");
  bool told = false;
  for (core_v1::NodeCondition c : core_v1::Node(*node).status().conditions()) {
    if (c.type() == "Ready") told = c.last_heartbeat_time() >= back;
  }
  EXPECT_TRUE(told) << "the heartbeat that was missed";
  EXPECT_LE(node_calls + lease_calls, 10);
}

// As with --hostname-override: several nodes may run on one host.
TEST_F(NodeKeeperTest, a_nodes_name_is_its_hostname) {
  start();
  loop.run_for(seconds(1));
  core_v1::Node node(*keeper->node());
  EXPECT_EQ(node.metadata().labels().find("kubernetes.io/hostname"), "n");
  for (core_v1::NodeAddress address : node.status().addresses()) {
    EXPECT_EQ(address.address(), address.type() == "Hostname" ? "n" : "10.0.0.1");
  }
}

TEST_F(NodeKeeperTest, a_server_that_is_away_at_the_start_registers_it_later) {
  away = true;
  start();
  loop.run_for(hours(1));
  EXPECT_FALSE(keeper->node());
  EXPECT_LE(node_calls, 3600 / 7 + 20);
  EXPECT_EQ(lease_calls, 0) << "a node that isn't there has none";
  away = false;
  loop.run_for(seconds(8));
  EXPECT_TRUE(keeper->node());
  EXPECT_GT(renewed(), 0);
}

TEST_F(NodeKeeperTest, a_node_that_somebody_deletes_stays_away_until_the_next_start) {
  start();
  loop.run_for(minutes(5));
  ASSERT_GT(renewed(), 0);
  api.remove(nodes(), "", "n");
  api.remove(leases(), "kube-node-lease", "n");  // as the garbage collector does
  count_anew();
  loop.run_for(hours(1));
  EXPECT_FALSE(api.get(nodes(), "", "n"));
  EXPECT_FALSE(keeper->node());
  EXPECT_EQ(renewed(), 0);
  EXPECT_LE(node_calls, 3600 / 10 + 10);
  EXPECT_LE(lease_calls, 2);
  loop.run(keeper->stop());
  start();
  loop.run_for(minutes(1));
  EXPECT_TRUE(keeper->node());
  EXPECT_GT(renewed(), 0);
}

// As an administrator may do instead of a restart.
TEST_F(NodeKeeperTest, a_node_that_somebody_makes_again_is_kept_as_before) {
  start();
  loop.run_for(minutes(5));
  api.remove(nodes(), "", "n");
  loop.run_for(minutes(5));
  ASSERT_FALSE(keeper->node());
  api.put(nodes(), object_of(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}})"));
  MicroTime made = loop.wall();
  loop.run_for(seconds(30));
  ASSERT_TRUE(keeper->node());
  EXPECT_FALSE(core_v1::Node(*keeper->node()).status().conditions().empty());
  EXPECT_GT(renewed(), made);
}

// Its supervisor wakes the keeper when it comes back.
TEST_F(NodeKeeperTest, a_runtime_that_is_away_is_no_load_for_the_server) {
  start();
  loop.run_for(minutes(5));
  count_anew();
  loop.run_for(hours(1));
  EXPECT_LE(node_calls, 3600 / 10 + 3600 / 300 + 10);
  count_anew();
  keeper->wake();
  loop.run_for(milliseconds(1500));
  EXPECT_GE(node_calls, 3) << "looked at often, for a while";
}

}  // namespace
}  // namespace tiphys::kubelet
