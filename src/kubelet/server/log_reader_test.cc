#include "kubelet/server/log_reader.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

TEST(LogLine, ParsesAndRefuses) {
  auto line = parse_log_line("2026-11-23T19:54:04.04228572Z stderr F hello world");
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->is_stderr);
  EXPECT_FALSE(line->partial);
  EXPECT_EQ(line->content, "hello world");
  EXPECT_TRUE(parse_log_line("2026-11-23T19:54:04Z stdout P x")->partial);
  EXPECT_EQ(parse_log_line("2026-11-23T19:54:04Z stdout F")->content, "");
  for (const char* bad : {"", " ", "x", "2026 stdout", "2026 stdin F x", "2026 stdout Q x",
                          " stdout F x", "hello stdout F x", "2026  stdout F x"}) {
    EXPECT_FALSE(parse_log_line(bad)) << bad;
  }
  EXPECT_FALSE(parse_log_line(std::string(100, '2') + " stdout F x"));
}

class LogFile : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/log_reader_XXXXXX";
    int fd = ::mkstemp(name);
    ::close(fd);
    path_ = name;
  }
  void TearDown() override { (void)os::remove_file(path_); }
  std::string all(LogOptions options) {
    Result<LogReader> reader = LogReader::open(path_, options);
    EXPECT_TRUE(reader);
    std::string out;
    while (true) {
      Result<std::string> chunk = reader->read();
      EXPECT_TRUE(chunk);
      if (!chunk || chunk->empty()) return out;
      out += *chunk;
    }
  }
  void write(const std::string& text) { ASSERT_TRUE(os::write_file(path_, text)); }
  std::string path_;
};

constexpr const char* kThree =
    "2026-01-01T00:00:01Z stdout F one\n2026-01-01T00:00:02Z stderr F two\n"
    "2026-01-01T00:00:03Z stdout F three\n";

TEST_F(LogFile, AllTailSinceLimitAndStamps) {
  write(kThree);
  EXPECT_EQ(all({}), "one\ntwo\nthree\n");
  EXPECT_EQ(all({.tail_lines = 1}), "three\n");
  EXPECT_EQ(all({.tail_lines = 0}), "");
  EXPECT_EQ(all({.tail_lines = 100}), "one\ntwo\nthree\n");
  EXPECT_EQ(all({.limit_bytes = 5}), "one\nt");
  EXPECT_EQ(all({.timestamps = true, .tail_lines = 1}), "2026-01-01T00:00:03Z three\n");
  EXPECT_EQ(all({.since = *parse_rfc3339("2026-01-01T00:00:02Z")}), "two\nthree\n");
}

TEST_F(LogFile, PartialLinesAreJoinedAndJunkIsSkipped) {
  write(
      "2026-01-01T00:00:01Z stdout P one\xff\n2026-01-01T00:00:01Z stdout F two\njunk\n\n"
      "2026-01-01T00:00:01Z stdout F three\nhalf a line without its end");
  EXPECT_EQ(all({}), "one\xfftwo\nthree\n");
}

TEST_F(LogFile, AnEndlessLineIsBounded) {
  write(std::string(3 * LogReader::kMaxLine, 'x') + "\n" + kThree);
  EXPECT_EQ(all({}), "one\ntwo\nthree\n");
}

TEST_F(LogFile, ManyLinesAcrossChunks) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "2026-01-01T00:00:01Z stdout F line " + std::to_string(i) + "\n";
  write(text);
  std::string tail = all({.tail_lines = 10'000});
  EXPECT_TRUE(tail.starts_with("line 10000\n"));
  EXPECT_TRUE(tail.ends_with("line 19999\n"));
}

TEST(LogOptionsTest, HostileQueries) {
  auto refused = [](std::string_view query) {
    ApiStatus error = parse_log_options(query, 100).error();
    return std::to_string(error.code()) + " " + error.message();
  };
  for (const char* query : {"tailLines=99999999999999999999", "tailLines=x", "sinceTime=yesterday",
                            "follow=%zz", "tail=some"}) {
    EXPECT_EQ(refused(query), R"(400 {"message": "Unable to decode query."})") << query;
  }
  for (const char* query : {"tailLines=-1", "limitBytes=0", "sinceSeconds=0", "stream=Other",
                            "sinceSeconds=5&sinceTime=2026-11-23T19:54:04Z"}) {
    EXPECT_EQ(refused(query), R"(422 {"message": "Invalid request."})") << query;
  }
  EXPECT_EQ(refused("stream=Stdout"),
            "400 unable to return the given log stream: \"Stdout\". Please enable "
            "PodLogsQuerySplitStreams feature gate in kubelet");
  EXPECT_EQ(parse_log_options("tail=7&stream=All", 0)->tail_lines, 7);
  EXPECT_FALSE(parse_log_options("tail=all", 0)->tail_lines);
  EXPECT_FALSE(parse_log_options("follow=False", 0)->follow);
  auto options =
      parse_log_options("follow=true&tailLines=5&sinceSeconds=10&&unknown=1", 20'000'000);
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->follow);
  EXPECT_EQ(options->tail_lines, 5);
  EXPECT_EQ(options->since, 10'000'000);
}

}  // namespace
}  // namespace tiphys::kubelet
