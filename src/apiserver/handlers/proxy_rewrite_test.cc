#include "apiserver/handlers/proxy_rewrite.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

const ProxyPlace kPlace{"/api/v1/namespaces/a/pods/b/proxy", "10.0.0.5:80", "api:6443"};

TEST(ProxyRewrite, links_into_the_backend_go_through_the_proxy) {
  EXPECT_EQ(rewrite_link(kPlace, "/x?q=1#f"), kPlace.prefix + "/x?q=1#f");
  EXPECT_EQ(rewrite_link(kPlace, "/x/"), kPlace.prefix + "/x/");
  EXPECT_EQ(rewrite_link(kPlace, "http://10.0.0.5:80/x"), kPlace.prefix + "/x");
  EXPECT_EQ(rewrite_link(kPlace, "http://api:6443/x"), "http://api:6443" + kPlace.prefix + "/x");
  EXPECT_EQ(rewrite_link(kPlace, kPlace.prefix + "/x"), kPlace.prefix + "/x");
}

TEST(ProxyRewrite, other_links_stay) {
  for (const char* link : {"x/y", "../z", "#f", "", "https://example.com/x", "//example.com/x",
                           "mailto:a@example.com", "javascript:alert('/x')"}) {
    EXPECT_EQ(rewrite_link(kPlace, link), link);
  }
}

TEST(ProxyRewrite, html_attributes_that_hold_urls) {
  EXPECT_EQ(rewrite_html(kPlace, "<A class=c HREF='/x?a=1&amp;b=2'>/y</A>"),
            "<A class=c HREF=\"" + kPlace.prefix + "/x?a=1&amp;b=2\">/y</A>");
  EXPECT_EQ(rewrite_html(kPlace, "<img src=/i.png alt=/a>"),
            "<img src=\"" + kPlace.prefix + "/i.png\" alt=/a>");
  EXPECT_EQ(rewrite_html(kPlace, "<p href=\"/x\">"), "<p href=\"/x\">");
}

TEST(ProxyRewrite, comments_scripts_and_broken_html_stay) {
  for (const char* html :
       {"<!-- <a href=\"/x\"> -->", "<script>\"<a href='/x'>\"</script>", "<style>a{}</style>", "<",
        "<a", "<a href", "<a href=", "a < b", "<!-- open", "<script>open", "</a>"}) {
    EXPECT_EQ(rewrite_html(kPlace, html), html);
  }
  EXPECT_EQ(rewrite_html(kPlace, "<script src=/s></script>"),
            "<script src=\"" + kPlace.prefix + "/s\"></script>");
}

TEST(ProxyRewrite, paths_never_leave_the_root) {
  EXPECT_EQ(backend_path(""), "/");
  EXPECT_EQ(backend_path("/a/../../../etc/"), "/etc/");
  EXPECT_EQ(backend_path("/a//b/./c"), "/a/b/c");
  EXPECT_EQ(backend_path("/a b?c%"), "/a%20b%3Fc%25");
}

}  // namespace
}  // namespace tiphys::apiserver
