// The pod network as the kernel has it, in a network namespace.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

#include "kubelet/network/masquerade_watch.h"
#include "os/files.h"
#include "os/nftables.h"
#include "os/process.h"
#include "os/routing.h"

namespace tiphys::kubelet {
namespace {

void ip(const std::string& batch) {
  Result<os::CommandResult> done = os::run_command({"ip", "-batch", "-"}, batch);
  ASSERT_TRUE(done && done->status == 0) << (done ? done->err : done.error().message());
}

os::Mac mac_of(const std::string& name) {
  Result<os::Routing> routing = os::read_routing(os::Family::kIpv4);
  for (const os::Link& link : routing->links) {
    if (link.name == name) return link.mac;
  }
  return {};
}

// A bridge otherwise takes the lowest address of its ports: when that one's pod goes, the others
// send to a gateway that isn't there, and the first packet of a connection, flooded to all ports,
// passes the node's NAT as one that stays on the bridge.
void the_bridge_keeps_its_address(const std::string& folder) {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  PodNetwork network{"tiphys0", {"10.42.0.0/24"}, {"10.42.0.0/16"}, folder};
  Result<void> applied = apply_pod_network(network);
  ASSERT_TRUE(applied) << applied.error().message();
  os::Mac before = mac_of("tiphys0");
  EXPECT_NE(before, os::Mac{});
  ip("link add low address 02:00:00:00:00:01 type veth peer name far\nlink set low master "
     "tiphys0\n");
  EXPECT_EQ(mac_of("tiphys0"), before);
  EXPECT_TRUE(apply_pod_network(network));
  ip("link del low\n");
  EXPECT_EQ(mac_of("tiphys0"), before);
  // One of an older version, with the address of a port.
  ip("link del tiphys0\nlink add tiphys0 type bridge\n"
     "link add low address 02:00:00:00:00:01 type veth peer name far\nlink set low master "
     "tiphys0\n");
  before = mac_of("tiphys0");
  EXPECT_EQ(before, mac_of("low"));
  EXPECT_TRUE(apply_pod_network(network));
  ip("link del low\nlink add high address 06:00:00:00:00:01 type veth peer name far\n"
     "link set high master tiphys0\n");
  EXPECT_EQ(mac_of("tiphys0"), before);
  // One of an older version, which all ports have left.
  ip("link del high\nlink del tiphys0\nlink add tiphys0 type bridge\n"
     "link add low address 02:00:00:00:00:01 type veth peer name far\n"
     "link set low master tiphys0\nlink del low\n");
  EXPECT_EQ(mac_of("tiphys0"), os::Mac{});
  EXPECT_TRUE(apply_pod_network(network));
  EXPECT_NE(mac_of("tiphys0"), os::Mac{});
  EXPECT_TRUE(remove_pod_network("tiphys0"));
}

void edits_of_the_masquerade_are_noticed(const std::string& folder) {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  PodNetwork network{
      "tiphys0", {"10.42.0.0/24", "fd00:42::/64"}, {"10.42.0.0/16", "fd00:42::/56"}, folder};
  MasqueradeWatch watch;
  EXPECT_TRUE(watch.stands(network).value()) << "there is nothing yet";
  for (const char* edit : {
           "delete table ip tiphys_masq_tiphys0",
           "flush chain ip6 tiphys_masq_tiphys0 postrouting",
           "add rule ip tiphys_masq_tiphys0 postrouting accept",
           "insert rule ip6 tiphys_masq_tiphys0 postrouting counter drop",
           "add chain ip tiphys_masq_tiphys0 postrouting { policy drop; }",
           "replace rule ip tiphys_masq_tiphys0 postrouting handle 2 accept",
       }) {
    SCOPED_TRACE(edit);
    Result<void> applied = apply_pod_network(network);
    ASSERT_TRUE(applied) << applied.error().message();
    watch.note(network);
    EXPECT_TRUE(watch.stands(network).value());
    ASSERT_TRUE(os::nft_apply("add table ip others\ndelete table ip others\n"));
    EXPECT_TRUE(watch.stands(network).value()) << "not ours";
    Result<void> edited = os::nft_apply(edit);
    ASSERT_TRUE(edited) << edited.error().message();
    EXPECT_FALSE(watch.stands(network).value());
    EXPECT_FALSE(watch.stands(network).value()) << "until they are made anew";
  }
}

void in_a_thread_with_a_folder(void (*test)(const std::string& folder)) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  char name[] = "/tmp/tiphys-network-XXXXXX";
  std::string folder = ::mkdtemp(name);
  std::thread([&] { test(folder); }).join();
  EXPECT_TRUE(os::remove_tree(folder));
}

TEST(PodNetworkKernel, TheBridgeKeepsItsAddressWhateverPodsComeAndGo) {
  in_a_thread_with_a_folder(the_bridge_keeps_its_address);
}

TEST(PodNetworkKernel, EditsOfTheMasqueradeAreNoticed) {
  in_a_thread_with_a_folder(edits_of_the_masquerade_are_noticed);
}

}  // namespace
}  // namespace tiphys::kubelet
