// GrpcChannel against a real gRPC server (grpc-go inside etcd). Skipped where etcd isn't installed.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "net/grpc.h"
#include "net/test_world.h"
#include "os/process.h"

namespace tiphys::net {
namespace {

// Two free ports, different ones: both are held until both are known.
std::pair<uint16_t, uint16_t> free_ports() {
  auto first = listen_tcp("127.0.0.1", 0);
  auto second = listen_tcp("127.0.0.1", 0);
  return {bound_port(first->get()), bound_port(second->get())};
}

class EtcdTest : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/etcd", X_OK) != 0) GTEST_SKIP() << "etcd is not installed";
    char name[] = "/tmp/tiphys-etcd-XXXXXX";
    folder_ = mkdtemp(name);
    const auto [client_port, peer_port] = free_ports();
    port_ = client_port;
    std::string url = "http://127.0.0.1:" + std::to_string(port_);
    std::string peer = "http://127.0.0.1:" + std::to_string(peer_port);
    os::ProcessOptions options;
    options.arguments = {"/usr/bin/etcd",
                         "--data-dir",
                         folder_ + "/data",
                         "--listen-client-urls",
                         url,
                         "--advertise-client-urls",
                         url,
                         "--listen-peer-urls",
                         peer,
                         "--initial-advertise-peer-urls",
                         peer,
                         "--initial-cluster",
                         "default=" + peer};
    options.output_path = folder_ + "/log";
    options.kill_with_parent = true;
    etcd_ = *os::Process::start(options);
  }
  void TearDown() override {
    if (folder_.empty()) return;
    etcd_.signal(SIGKILL);
    etcd_.wait();
    EXPECT_TRUE(os::remove_tree(folder_));
  }
  EpollLoop loop_;
  std::string folder_;
  uint16_t port_ = 0;
  os::Process etcd_;
};

Task<Result<std::string>> put_and_range(EpollLoop& loop, GrpcChannel* channel) {
  const std::string put(
      "\x0a\x01"
      "a"
      "\x12\x05"
      "hello",
      10);
  Result<std::string> done = ApiStatus::internal("not tried");
  for (int tries = 0; tries < 1200 && !done; ++tries) {
    done = co_await channel->unary("/etcdserverpb.KV/Put", put, std::chrono::seconds(5));
    if (!done) co_await sleep_for(loop, std::chrono::milliseconds(50));
  }
  if (!done) co_return done.error();
  auto range = co_await channel->unary("/etcdserverpb.KV/Range",
                                       std::string("\x0a\x01"
                                                   "a",
                                                   3),
                                       std::chrono::seconds(5));
  co_return range;
}

TEST_F(EtcdTest, PutThenRange) {
  GrpcChannel channel(loop_, "127.0.0.1:" + std::to_string(port_));
  auto range = run_task(loop_, put_and_range(loop_, &channel));
  ASSERT_TRUE(range) << range.error().message();
  EXPECT_NE(range->find("hello"), std::string::npos);
  auto unknown = run_task(loop_, channel.unary("/etcdserverpb.KV/NoSuch", "", {}));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().reason(), "Unimplemented");
  auto invalid = run_task(loop_, channel.unary("/etcdserverpb.KV/Range", "", {}));
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().reason(), "InvalidArgument") << invalid.error().message();
  run_task(loop_, channel.stop());
}

}  // namespace
}  // namespace tiphys::net
