// A folder of manifests in which there are other things: only regular files are read, and what they
// hold is bounded.
#include "kubelet/pods/static_pod_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/test_world.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kManifest =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},
        "spec":{"containers":[{"name":"c","image":"i"}]}})";

class StaticPodSourceTest : public testing::Test {
 protected:
  StaticPodSourceTest() {
    char name[] = "/tmp/tiphys-manifests-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~StaticPodSourceTest() override { EXPECT_TRUE(os::remove_tree(folder_)); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  // The names of the pods that a first look finds.
  std::vector<std::string> look(const std::string& at) {
    Options options;
    options.static_pod_path = at;
    options.node_name = "n";
    StaticPodSource source(loop_, pool_, options);
    std::vector<std::string> out;
    bool done = false;
    source.start([&](const std::vector<ObjectPtr>& pods) {
      for (const ObjectPtr& pod : pods) out.emplace_back(core_v1::Pod(*pod).metadata().name());
      done = true;
      loop_.stop();
    });
    auto limit = loop_.call_after(net::kTestLimit, [this] { loop_.stop(); });
    loop_.run();
    loop_.cancel(limit);
    EXPECT_TRUE(done);
    net::run_task(loop_, source.stop());
    return out;
  }

  EpollLoop loop_;
  WorkerPool pool_{1};
  std::string folder_;
};

TEST_F(StaticPodSourceTest, OddFilesHoldNobodyUp) {
  ASSERT_TRUE(os::write_file(path("zz.json"), kManifest));
  ASSERT_EQ(::mkfifo(path("pipe.json").c_str(), 0600), 0);
  ASSERT_TRUE(os::make_symlink("/dev/zero", path("endless.json")));
  ASSERT_TRUE(os::make_symlink("/dev/stdin", path("terminal.json")));
  ASSERT_TRUE(os::make_symlink("loop-b", path("loop-a")));
  ASSERT_TRUE(os::make_symlink("loop-a", path("loop-b")));
  ASSERT_TRUE(os::make_symlink(".", path("itself")));
  ASSERT_TRUE(os::make_symlink("nowhere", path("dangling.json")));
  ASSERT_TRUE(os::make_dirs(path("deeper.json")));
  ASSERT_TRUE(os::write_file(path("large.json"), ""));
  ASSERT_EQ(::truncate(path("large.json").c_str(), 100 << 20), 0);
  ASSERT_TRUE(os::write_file(path("garbage.yaml"), std::string("\0\xff{[", 4)));
  ASSERT_TRUE(os::write_file(path("deep.json"), std::string(1 << 20, '[')));
  EXPECT_EQ(look(folder_), std::vector<std::string>{"web-n"});
}

TEST_F(StaticPodSourceTest, APathThatIsAPipeOrALoopHasNone) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  ASSERT_TRUE(os::make_symlink("loop", path("loop")));
  EXPECT_TRUE(look(path("pipe")).empty());
  EXPECT_TRUE(look(path("loop")).empty());
  EXPECT_TRUE(look(path("nothing")).empty());
  ASSERT_TRUE(os::write_file(path("one.json"), kManifest));
  EXPECT_EQ(look(path("one.json")).size(), 1u);
}

}  // namespace
}  // namespace tiphys::kubelet
