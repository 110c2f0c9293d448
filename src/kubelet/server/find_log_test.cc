#include "kubelet/server/find_log.h"

#include "kubelet/pods/test_objects.h"
#include "kubelet/server/test_runtime.h"

namespace tiphys::kubelet {
namespace {

struct FindLogTest : testing::Test {
  // The log's path, or what is wrong.
  std::string find(std::optional<PodRuntime> seen, bool previous = false) {
    Result<ContainerRecord> found =
        net::run_task(loop, find_log(runtime.cri(), pod_of(R"({"containers":[{"name":"c"}]})"),
                                     std::move(seen), "c", previous));
    return found ? found->log_path : found.error().message();
  }

  EpollLoop loop;
  TestRuntime runtime{loop};
};

TEST_F(FindLogTest, TheRuntimeIsAskedBeforeTheWorkerHasLooked) {
  EXPECT_EQ(find({}), "/log");
  EXPECT_EQ(find({}, true), "previous terminated container \"c\" in pod \"p\" not found");
  EXPECT_EQ(find(PodRuntime()),
            "container \"c\" in pod \"p\" is waiting to start: ContainerCreating");
  runtime.broken = true;
  EXPECT_EQ(find({}), "rpc error: code = Unavailable desc = away");
}

}  // namespace
}  // namespace tiphys::kubelet
