#include "net/http1_head.h"

#include <gtest/gtest.h>

namespace tiphys::net {
namespace {

TEST(ResponseHead, LinesMayEndWithLfAlone) {
  for (std::string_view text : {"HTTP/1.1 200 OK\nA: b\nContent-Length: 3\n\nyes",
                                "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 3\n\r\nyes",
                                "HTTP/1.1 200 OK\nA: b\r\nContent-Length: 3\r\n\nyes"}) {
    size_t end = find_response_head_end(text, 0);
    ASSERT_EQ(text.substr(end), "yes");
    auto head = parse_response_head(text.substr(0, end), "GET");
    ASSERT_TRUE(head) << head.error().message();
    EXPECT_EQ(head->status, 200);
    EXPECT_EQ(head->headers.get("a"), "b");
    EXPECT_EQ(head->framing.length, 3u);
  }
}

TEST(ResponseHead, IsFoundAsItTricklesIn) {
  for (std::string_view text : {"HTTP/1.1 200 OK\r\na: b\r\n\r\n", "HTTP/1.1 200 OK\na: b\n\n"}) {
    for (size_t n = 1; n < text.size(); ++n) {
      EXPECT_EQ(find_response_head_end(text.substr(0, n), n - 1), std::string_view::npos) << n;
    }
    EXPECT_EQ(find_response_head_end(text, text.size() - 1), text.size());
  }
}

TEST(ResponseHead, NothingElseIsTakenForALineEnd) {
  for (std::string_view text : {"HTTP/1.1 200 OK\ra: b\n\n", "HTTP/1.1 200 OK\n a: b\n\n",
                                "HTTP/1.1 200 OK\n\ra: b\n\n", "\nHTTP/1.1 200 OK\n\n"}) {
    EXPECT_FALSE(parse_response_head(text, "GET")) << text;
  }
}

TEST(RequestHead, LinesEndWithCrlf) {
  std::string_view text = "GET / HTTP/1.1\nHost: x\n\n";
  EXPECT_EQ(find_head_end(text, 0), std::string_view::npos);
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"));
}

}  // namespace
}  // namespace tiphys::net
