#include "base/html.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

TEST(Html, IsEscapedWithOrWithoutQuotes) {
  EXPECT_EQ(html_escape("a<b>&\"c'", false), "a&lt;b&gt;&amp;\"c'");
  EXPECT_EQ(html_escape("a<b>&\"c'", true), "a&lt;b&gt;&amp;&#34;c&#39;");
}

}  // namespace
}  // namespace tiphys
