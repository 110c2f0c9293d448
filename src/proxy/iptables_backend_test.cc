// What processes the backend starts, and what it makes of their answers: scripts that stand in for
// iptables.
#include "proxy/iptables_backend.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "async/epoll_loop.h"
#include "os/files.h"
#include "proxy/iptables_base.h"
#include "proxy/plane_sync.h"

namespace tiphys::proxy {
namespace {

class IptablesBackendTest : public testing::Test {
 protected:
  IptablesBackendTest() : path_(::getenv("PATH")) {
    std::string name = testing::TempDir() + "/iptables-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    for (const char* tool : {"iptables", "iptables-save", "iptables-restore"}) {
      std::string file = folder_ + "/" + tool;
      EXPECT_TRUE(os::write_file(file, "#!/bin/sh\necho " + std::string(tool) + " >>" + folder_ +
                                           "/calls\nexec cat " + folder_ + "/rules\n"));
      std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    }
    EXPECT_TRUE(os::write_file(folder_ + "/rules", canary_rule(Settings()) + "\n"));
    ::setenv("PATH", (folder_ + ":" + path_).c_str(), 1);
  }
  ~IptablesBackendTest() override {
    ::setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  // The programs that were started since the last call.
  std::string calls() {
    std::string file = folder_ + "/calls";
    std::string names = os::read_file(file, 1 << 20).value_or("");
    std::filesystem::remove(file);
    return names;
  }
  void answer_with_status(int status) {
    EXPECT_TRUE(
        os::write_file(folder_ + "/iptables", "#!/bin/sh\nexit " + std::to_string(status) + "\n"));
  }

  std::string path_;
  std::string folder_;
};

TEST_F(IptablesBackendTest, RulesAreGoneOnlyIfItIsCertain) {
  std::unique_ptr<Backend> backend = make_iptables_backend({}, Family::kIpv4);
  EXPECT_EQ(*backend->look()(), "KUBE-PROXY-CANARY");
  answer_with_status(1);
  EXPECT_EQ(*backend->look()(), "") << "there is no such chain";
  answer_with_status(4);
  EXPECT_FALSE(backend->look()()) << "somebody else holds iptables' lock";
}

class IptablesSyncTest : public IptablesBackendTest {
 protected:
  IptablesSyncTest() {
    plane_.reset(make_iptables_backend({}, Family::kIpv4));
    web_.key = "default/web";
    web_.ports = {{.protocol = "tcp", .port = 80}};
  }
  void apply(const char* address) {
    web_.cluster_ips = {*Address::parse(address)};
    plane_.set(web_.key, &web_, {}, node_);
    spawn(run());
    loop_.run();
  }
  Task<void> run() {
    bool done = co_await sync_.apply(&plane_, &node_);
    EXPECT_TRUE(done);
    loop_.stop();
  }

  EpollLoop loop_;
  WorkerPool pool_{1};
  MetricRegistry registry_;
  ProxyMetrics metrics_{registry_};
  PlaneSync sync_{loop_, pool_, metrics_, Mode::kIptables, [](const std::string&) {}};
  Plane plane_;
  NodeFacts node_{.name = "n1"};
  ServiceFacts web_;
};

TEST_F(IptablesSyncTest, AChangeIsOneProcess) {
  apply("10.43.0.5");
  EXPECT_EQ(calls(), "iptables-save\niptables-save\niptables-restore\n");
  apply("10.43.0.6");
  EXPECT_EQ(calls(), "iptables-restore\n");
}

}  // namespace
}  // namespace tiphys::proxy
