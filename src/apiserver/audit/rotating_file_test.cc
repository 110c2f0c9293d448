#include "apiserver/audit/rotating_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/response/gzip.h"
#include "os/files.h"

namespace tiphys::apiserver::audit {
namespace {

using testing::ElementsAre;

constexpr MicroTime kStart = 1'700'000'000 * kMicrosPerSecond;  // 2023-11-14T22:13:20Z
constexpr MicroTime kDay = 24 * 3600 * kMicrosPerSecond;

class FixedClock : public Clock {
 public:
  MicroTime wall() const override { return now; }
  MonoTime mono() const override { return {}; }
  MicroTime now = kStart;
};

class RotatingFileTest : public testing::Test {
 protected:
  RotatingFileTest() {
    char name[] = "/tmp/tiphys-audit-XXXXXX";
    root_ = mkdtemp(name);
    options_.path = root_ + "/audit.log";
    options_.max_bytes = 10;
  }
  ~RotatingFileTest() override { EXPECT_TRUE(os::remove_tree(root_)); }
  std::vector<std::string> files() { return os::list_dir(root_).value(); }
  std::string text(const std::string& name) { return os::read_file(root_ + "/" + name).value(); }

  std::string root_;
  RotationOptions options_;
  FixedClock clock_;
};

TEST_F(RotatingFileTest, AFullFileIsPutAsideUnderTheTime) {
  RotatingFile file(options_, clock_);
  ASSERT_TRUE(file.write("123456\n"));
  ASSERT_TRUE(file.write("12\n"));
  EXPECT_THAT(files(), ElementsAre("audit.log"));
  clock_.now += 1'234'567;
  ASSERT_TRUE(file.write("next\n"));
  EXPECT_THAT(files(), ElementsAre("audit-2023-11-14T22-13-21.234.log", "audit.log"));
  EXPECT_EQ(text("audit-2023-11-14T22-13-21.234.log"), "123456\n12\n");
  EXPECT_EQ(text("audit.log"), "next\n");
  EXPECT_FALSE(file.is_untidy()) << "everything is kept";
}

TEST_F(RotatingFileTest, TwoInOneMillisecondAreBothKept) {
  RotatingFile file(options_, clock_);
  for (const char* line : {"111111\n", "222222\n", "333333\n"}) ASSERT_TRUE(file.write(line));
  EXPECT_EQ(text("audit-2023-11-14T22-13-20.000.log"), "111111\n");
  EXPECT_EQ(text("audit-2023-11-14T22-13-20.001.log"), "222222\n");
}

TEST_F(RotatingFileTest, GoesOnWhereItWas) {
  ASSERT_TRUE(os::write_file(options_.path, "old\n", 0640));
  {
    RotatingFile file(options_, clock_);
    ASSERT_TRUE(file.write("new\n"));
    EXPECT_EQ(text("audit.log"), "old\nnew\n");
  }
  RotatingFile file(options_, clock_);
  ASSERT_TRUE(file.write("no room\n"));
  EXPECT_EQ(text("audit.log"), "no room\n");
  EXPECT_EQ(os::file_mode(options_.path).value(), 0640) << "as the old one";
}

TEST_F(RotatingFileTest, ALineThatNeverFitsIsAnError) {
  RotatingFile file(options_, clock_);
  Result<void> written = file.write("0123456789\n");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(), "write length 11 exceeds maximum file size 10");
}

TEST_F(RotatingFileTest, TidyingRemovesAndCompresses) {
  options_.max_backups = 2;
  options_.compress = true;
  RotatingFile file(options_, clock_);
  for (const char* line : {"111111\n", "222222\n", "333333\n", "444444\n"}) {
    ASSERT_TRUE(file.write(line));
    clock_.now += kMicrosPerSecond;
  }
  ASSERT_TRUE(file.is_untidy());
  ASSERT_TRUE(file.tidy());
  EXPECT_FALSE(file.is_untidy());
  EXPECT_THAT(files(), ElementsAre("audit-2023-11-14T22-13-22.000.log.gz",
                                   "audit-2023-11-14T22-13-23.000.log.gz", "audit.log"));
  EXPECT_EQ(gunzip(text("audit-2023-11-14T22-13-22.000.log.gz"), 100), "222222\n");
}

TEST(AuditBackupsTest, OnlyBackupsAreFoundNewestFirst) {
  std::vector<Backup> found =
      find_backups("audit.log", {"audit.log", "audit-2023-11-14T22-13-20.000.log",
                                 "audit-2023-11-14T22-13-21.000.log.gz", "audit-x.log",
                                 "audit-.log", "other-2023-11-14T22-13-20.000.log", "audit-.lo"});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0].compressed);
  EXPECT_EQ(found[1].time, kStart);
  EXPECT_EQ(backup_name("audit", kStart), "audit-2023-11-14T22-13-20.000");
}

TEST(AuditBackupsTest, OldOnesGoByAge) {
  RotationOptions options;
  options.max_age_days = 2;
  std::vector<Backup> backups = {{"new", kStart - kDay}, {"old", kStart - 3 * kDay}};
  EXPECT_THAT(plan_tidying(options, backups, kStart).remove, ElementsAre("old"));
  options.max_age_days = INT64_MAX;
  EXPECT_TRUE(plan_tidying(options, backups, kStart).remove.empty());
}

TEST(AuditBackupsTest, AFileAndItsCompressedFormCountOnce) {
  RotationOptions options;
  options.max_backups = 1;
  std::vector<Backup> backups = {{"a", kStart, false}, {"a.gz", kStart, true}, {"b", kStart - 1}};
  EXPECT_THAT(plan_tidying(options, backups, kStart).remove, ElementsAre("b"));
}

}  // namespace
}  // namespace tiphys::apiserver::audit
