#include "kubelet/server/file_serving.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

using Kind = AskedRange::Kind;

TEST(FileServing, a_page_of_a_folder_is_as_go_writes_it) {
  EXPECT_EQ(listing_page({{"b.log"}, {"a", true}}),
            "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n"
            "<a href=\"a/\">a/</a>\n<a href=\"b.log\">b.log</a>\n</pre>\n");
  EXPECT_NE(listing_page({{"<i>'\" &%?"}})
                .find("<a href=\"%3Ci%3E%27%22%20&%25%3F\">&lt;i&gt;&#39;&#34; &amp;%?</a>\n"),
            std::string::npos);
  EXPECT_NE(listing_page({{"javascript:x"}}).find("href=\"./javascript:x\""), std::string::npos);
}

TEST(FileServing, paths_stay_below_the_root) {
  EXPECT_EQ(clean_path(""), "");
  EXPECT_EQ(clean_path("/"), "");
  EXPECT_EQ(clean_path("a//b/./c/"), "a/b/c");
  EXPECT_EQ(clean_path("../../etc/passwd"), "etc/passwd");
  EXPECT_EQ(clean_path("a/../../b"), "b");
  EXPECT_EQ(clean_path("a/.."), "");
}

TEST(FileServing, types) {
  EXPECT_EQ(content_type_of("x.log", "<html><script>"), "text/plain; charset=utf-8");
  EXPECT_EQ(content_type_of("x.html", "\x1b[31mred\r\n\t"), "text/plain; charset=utf-8");
  EXPECT_EQ(content_type_of("x.1.gz", "\x1f\x8b\x08rest"), "application/x-gzip");
  EXPECT_EQ(content_type_of("wtmp", std::string_view("a\0b", 3)), "application/octet-stream");
  EXPECT_EQ(content_type_of("x.json", ""), "application/json");
}

TEST(FileServing, dates) {
  MicroTime time = 784111777 * kMicrosPerSecond;
  EXPECT_EQ(http_date(time + 5), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  for (const char* text : {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "1994-11-06"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

void expect_part(std::string_view header, int64_t size, int64_t start, int64_t length) {
  AskedRange range = asked_range(header, size);
  EXPECT_EQ(range.kind, Kind::kPart) << header;
  EXPECT_EQ(range.start, start) << header;
  EXPECT_EQ(range.length, length) << header;
}

TEST(FileServing, ranges) {
  expect_part("bytes=0-4", 10, 0, 5);
  expect_part("bytes=2-", 10, 2, 8);
  expect_part("bytes=-3", 10, 7, 3);
  expect_part("bytes=-30", 10, 0, 10);
  expect_part("bytes=5-100", 10, 5, 5);
  expect_part("bytes= 5 - 9 ,", 10, 5, 5);
  expect_part("bytes=20-,0-0", 10, 0, 1);
  for (const char* whole : {"", "bytes=0-1,3-4"}) {
    EXPECT_EQ(asked_range(whole, 10).kind, Kind::kWhole) << whole;
  }
  EXPECT_EQ(asked_range("bytes=10-", 10).kind, Kind::kNothing);
  EXPECT_EQ(asked_range("bytes=0-", 0).kind, Kind::kWhole) << "an empty file has no part";
  for (const char* bad : {"bytes", "lines=1-2", "bytes=x-", "bytes=-", "bytes=--1", "bytes=5-4",
                          "bytes=3", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(asked_range(bad, 10).kind, Kind::kInvalid) << bad;
  }
}

}  // namespace
}  // namespace tiphys::kubelet
