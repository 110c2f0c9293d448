#include "apiserver/validation/go_url.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

// The parts, or the complaint.
std::string parsed(std::string_view text) {
  Result<GoUrl> url = parse_go_url(text);
  if (!url) return url.error().message();
  return url->scheme + "|" + url->user.value_or("-") + "|" + url->host + "|" + url->query + "|" +
         url->fragment;
}

TEST(GoUrl, Parts) {
  EXPECT_EQ(parsed("HTTPS://h.example:8443/a/b?q=1&r#f%20g"), "https|-|h.example:8443|q=1&r|f g");
  EXPECT_EQ(parsed("https://me:p%40ss@h/"), "https|me:p%40ss|h||");
  EXPECT_EQ(parsed("https://@h/"), "https||h||");
  EXPECT_EQ(parsed("https:h/p"), "https|-|||");
  EXPECT_EQ(parsed("https:///p"), "https|-|||");
  EXPECT_EQ(parsed("//h/p"), "|-|h||");
  EXPECT_EQ(parsed("///h/p"), "|-|||");
  EXPECT_EQ(parsed("h/p:q"), "|-|||");
  EXPECT_EQ(parsed(""), "|-|||");
  EXPECT_EQ(parsed("https://[::1]:443/"), "https|-|[::1]:443||");
}

TEST(GoUrl, Complaints) {
  EXPECT_EQ(parsed(":h"), "parse \":h\": missing protocol scheme");
  EXPECT_EQ(parsed("1h:p"), "parse \"1h:p\": first path segment in URL cannot contain colon");
  EXPECT_EQ(parsed("https://h:port/#f"),
            "parse \"https://h:port/\": invalid port \":port\" after host");
  EXPECT_EQ(parsed("https://[::1/"), "parse \"https://[::1/\": missing ']' in host");
  EXPECT_EQ(parsed("https://a b/"), "parse \"https://a b/\": invalid character \" \" in host name");
  EXPECT_EQ(parsed("https://h/%zz"), "parse \"https://h/%zz\": invalid URL escape \"%zz\"");
  EXPECT_EQ(parsed("https://h%41/"), "parse \"https://h%41/\": invalid URL escape \"%41\"");
  EXPECT_EQ(parsed("https://a<b@h/"), "parse \"https://a<b@h/\": net/url: invalid userinfo");
  EXPECT_EQ(parsed("https://h/\n"),
            "parse \"https://h/\\n\": net/url: invalid control character in URL");
  EXPECT_EQ(parsed("https://h/#%"), "parse \"https://h/#%\": invalid URL escape \"%\"");
}

}  // namespace
}  // namespace tiphys::apiserver
