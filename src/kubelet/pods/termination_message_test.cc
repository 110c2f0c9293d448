#include "kubelet/pods/termination_message.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

std::string file(const std::string& name, const std::string& text) {
  std::string path = ::testing::TempDir() + "tiphys-message-" + name;
  EXPECT_TRUE(os::write_file(path, text, 0644));
  return path;
}

std::string log_of(int lines, size_t width) {
  std::string out;
  for (int i = 0; i < lines; ++i) {
    std::string text = std::to_string(i) + " ";
    text.resize(width, 'x');
    out += "2026-01-01T00:00:00.000000000Z stdout F " + text + "\n";
  }
  return out;
}

TEST(TerminationMessage, IsTheEndOfItsFile) {
  std::string text = std::string(5000, 'a') + "the end";
  std::string message = read_termination_message(file("long", text), "");
  EXPECT_EQ(message.size(), kMaxMessageBytes);
  EXPECT_TRUE(message.ends_with("the end"));
  EXPECT_EQ(read_termination_message(file("short", "said"), ""), "said");
}

TEST(TerminationMessage, FallsBackToTheLastLinesOfTheLog) {
  std::string empty = file("empty", "");
  EXPECT_EQ(read_termination_message(empty, ""), "");
  std::string many = read_termination_message(empty, file("many", log_of(200, 10)));
  EXPECT_TRUE(many.starts_with("120 ")) << many;
  EXPECT_EQ(split(many, '\n').size(), kMaxMessageLogLines + 1);
  std::string wide = read_termination_message(empty, file("wide", log_of(50, 100)));
  EXPECT_EQ(wide.size(), kMaxMessageLogBytes);
  EXPECT_EQ(read_termination_message(file("said", "said"), file("log", log_of(2, 10))), "said");
}

TEST(TerminationMessage, NeverFollowsALinkAndIsAlwaysText) {
  std::string link = ::testing::TempDir() + "tiphys-message-link";
  (void)os::remove_file(link);
  ASSERT_EQ(::symlink("/etc/passwd", link.c_str()), 0);
  EXPECT_EQ(read_termination_message(link, ""), "");
  EXPECT_EQ(read_termination_message(file("bytes", "a\xff"), ""), "a?");
}

}  // namespace
}  // namespace tiphys::kubelet
