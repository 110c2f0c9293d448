#include "kubelet/logs/rotation.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "os/files.h"
#include "os/process.h"

namespace tiphys::kubelet {
namespace {

using Names = std::vector<std::string>;

TEST(Rotation, KeepsWhatFitsPacksTheRestAndDropsLeftovers) {
  Names names = {"0.log",
                 "0.log.20260101-000001.gz",
                 "0.log.20260101-000002.gz",
                 "0.log.20260101-000003.gz",
                 "0.log.20260101-000004",
                 "1.log",
                 "0.log.20260101-000003",
                 "0.log.20260101-000004.tmp",
                 "10.log.20260101-000000"};
  RotationPlan plan = plan_rotation(names, "0.log", 5);
  EXPECT_EQ(plan.remove, (Names{"0.log.20260101-000003", "0.log.20260101-000004.tmp",
                                "0.log.20260101-000001.gz"}));
  EXPECT_EQ(plan.compress, (Names{"0.log.20260101-000004"}));
  EXPECT_EQ(plan_rotation({"0.log"}, "0.log", 5), RotationPlan());
  EXPECT_EQ(plan_rotation(names, "0.log", 2).remove.size(), 6u) << "only the newest two stay";
}

class RotationFiles : public testing::Test {
 protected:
  RotationFiles() {
    char name[] = "/tmp/tiphys-rotation-XXXXXX";
    folder_ = ::mkdtemp(name);
    log_ = folder_ + "/0.log";
  }
  ~RotationFiles() override { (void)os::remove_tree(folder_); }
  Names names() { return *os::list_dir(folder_); }
  std::string folder_;
  std::string log_;
};

TEST_F(RotationFiles, ALogIsNeverMoreThanItsFiles) {
  MicroTime now = 1'700'000'000 * kMicrosPerSecond;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(os::write_file(log_, "text of round " + std::to_string(i) + "\n"));
    now += kMicrosPerSecond;
    ASSERT_TRUE(rotate_log(log_, 4, now));
  }
  ASSERT_TRUE(os::write_file(log_, "last\n"));
  Names left = names();
  ASSERT_EQ(left.size(), 4u) << "the log, the one before it, and two packed";
  EXPECT_TRUE(left[1].ends_with(".gz") && left[2].ends_with(".gz") && !left[3].ends_with(".gz"));
  EXPECT_EQ(*os::read_file(folder_ + "/" + left[3]), "text of round 9\n");
  remove_logs(log_);
  EXPECT_TRUE(names().empty());
}

TEST_F(RotationFiles, TwoInASecondLoseNothing) {
  ASSERT_TRUE(os::write_file(log_, "a"));
  ASSERT_TRUE(rotate_log(log_, 4, kMicrosPerSecond));
  ASSERT_TRUE(os::write_file(log_, "b"));
  EXPECT_FALSE(rotate_log(log_, 4, kMicrosPerSecond));
  EXPECT_EQ(*os::read_file(log_), "b");
}

TEST_F(RotationFiles, PackedLogsAreGzip) {
  std::string text(3 << 20, 'x');
  text += "end\n";
  ASSERT_TRUE(os::write_file(log_, text, 0640));
  ASSERT_TRUE(compress_log(log_));
  EXPECT_EQ(names(), Names{"0.log.gz"});
  EXPECT_EQ(log_bytes(log_), -1);
  EXPECT_LT(log_bytes(log_ + ".gz"), 100'000);
  Result<os::CommandResult> unpacked = os::run_command({"gzip", "-dc", log_ + ".gz"});
  ASSERT_TRUE(unpacked);
  EXPECT_TRUE(unpacked->out == text);
}

}  // namespace
}  // namespace tiphys::kubelet
