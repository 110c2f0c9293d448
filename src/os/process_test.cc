#include "os/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace tiphys::os {
namespace {

TEST(RunCommand, GivesOutputErrorAndStatus) {
  auto result = run_command({"sh", "-c", "cat; echo oops >&2; exit 3"}, std::string(200'000, 'y'));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, std::string(200'000, 'y'));
  EXPECT_EQ(result->err, "oops\n");
  EXPECT_EQ(result->status, 3);
}

TEST(RunCommand, ProgramThatIgnoresItsInput) {
  auto result = run_command({"true"}, std::string(1'000'000, 'y'));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 0);
}

TEST(RunCommand, MissingProgramIsAnError) {
  auto result = run_command({"no-such-program-here"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "start no-such-program-here: No such file or directory");
  EXPECT_FALSE(run_command({"/etc/passwd"}));
  EXPECT_FALSE(run_command({}));
}

TEST(RunCommand, TimesOut) {
  auto result = run_command({"sleep", "100"}, "", 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason(), "Timeout");
}

TEST(RunCommand, DoesNotWaitForGrandchildren) {
  auto result = run_command({"sh", "-c", "sleep 20 & echo done; kill -9 $$"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "done\n");
  EXPECT_EQ(result->status, 128 + SIGKILL);
}

// Neither containerd nor what it starts gets a file of ours.
TEST(Process, cve_2019_5736_and_2024_21626_inherits_no_descriptor) {
  Fd leaked(open("/etc/passwd", O_RDONLY));
  auto result = run_command({"sh", "-c", "ls /proc/$$/fd"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "0\n1\n2\n");
}

TEST(Process, StartsSignalsAndReaps) {
  char name[] = "/tmp/tiphys-process-XXXXXX";
  std::string folder = mkdtemp(name);
  ProcessOptions options;
  options.arguments = {"sh", "-c", "pwd; echo $X; exec sleep 100"};
  options.environment = {"X=1 2", "PATH=/usr/bin:/bin"};
  options.directory = folder;
  options.output_path = folder + "/log";
  options.new_session = true;
  options.kill_with_parent = true;
  auto process = Process::start(options);
  ASSERT_TRUE(process) << process.error().message();
  EXPECT_EQ(process->poll(), std::nullopt);
  EXPECT_EQ(getsid(process->pid()), process->pid());
  for (int i = 0; i < 1000 && read_file(folder + "/log")->size() < 5; ++i) ::poll(nullptr, 0, 10);
  process->signal(SIGTERM);
  pollfd ended{process->pidfd(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
  EXPECT_EQ(process->poll(), 128 + SIGTERM);
  EXPECT_EQ(process->wait(), 128 + SIGTERM);
  process->signal(SIGKILL);
  EXPECT_EQ(read_file(folder + "/log").value(), folder + "\n1 2\n");
  EXPECT_TRUE(remove_tree(folder));
}

TEST(Process, UnknownFolderIsAnError) {
  ProcessOptions options;
  options.arguments = {"true"};
  options.directory = "/no/such/folder";
  auto process = Process::start(options);
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().message(), "start true: No such file or directory");
}

}  // namespace
}  // namespace tiphys::os
