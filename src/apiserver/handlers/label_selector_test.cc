#include "apiserver/handlers/label_selector.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

std::string problem(std::string_view text) {
  auto selector = LabelSelector::parse(text);
  return selector ? "ok" : selector.error().message();
}

bool matches(std::string_view text, std::initializer_list<std::pair<const char*, const char*>> of) {
  auto selector = LabelSelector::parse(text);
  if (!selector) return false;
  Arena arena;
  Node* labels = arena.make_node();
  for (auto [key, value] : of) set_entry(arena, *labels, key, arena.string(value));
  return selector->matches(*labels);
}

TEST(LabelSelector, Matches) {
  EXPECT_TRUE(matches("", {}));
  EXPECT_TRUE(matches("a=b", {{"a", "b"}}));
  EXPECT_TRUE(matches("a == b , c", {{"a", "b"}, {"c", ""}}));
  EXPECT_FALSE(matches("a=b", {{"a", "c"}}));
  EXPECT_TRUE(matches("a!=b", {}));
  EXPECT_TRUE(matches("!a", {{"b", ""}}));
  EXPECT_TRUE(matches("a in (x, y)", {{"a", "y"}}));
  EXPECT_FALSE(matches("a notin (x,y)", {{"a", "y"}}));
  EXPECT_TRUE(matches("a notin (x,y)", {}));
  EXPECT_TRUE(matches("in in (in,notin)", {{"in", "notin"}}));
  EXPECT_TRUE(matches("a=", {{"a", ""}}));
  EXPECT_TRUE(matches("a in ()", {{"a", ""}}));
  EXPECT_TRUE(matches("n>5,n<10", {{"n", "7"}}));
  EXPECT_FALSE(matches("n>5", {{"n", "x"}}));
}

// Upstream's words: k8s.io/apimachinery/pkg/labels/selector.go.
TEST(LabelSelector, TellsWhatItCanNotRead) {
  EXPECT_EQ(problem("a=b c"), "found 'c', expected: ',' or 'end of string'");
  EXPECT_EQ(problem("=a"), "found '=', expected: !, identifier, or 'end of string'");
  EXPECT_EQ(problem("a,"), "found '', expected: identifier after ','");
  EXPECT_EQ(problem("!"), "unable to parse requirement: found '', expected: identifier");
  EXPECT_EQ(problem("a b"),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
  EXPECT_EQ(problem("a in b"), "unable to parse requirement: found 'b' expected: '('");
  EXPECT_EQ(problem("a in (b"), "unable to parse requirement: found '', expected: ',' or ')'");
  EXPECT_EQ(problem("a in (,"),
            "unable to parse requirement: found '', expected: ',', or identifier");
  EXPECT_EQ(problem("a==="), "unable to parse requirement: found '=', expected: identifier");
  EXPECT_EQ(problem("a>x"),
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' "
            "operators, the value must be an integer");
}

TEST(LabelSelector, BoundsKeysAndValues) {
  std::string longest(63, 'a');
  EXPECT_EQ(problem(longest + "=" + longest), "ok");
  EXPECT_EQ(problem("k=" + longest + "a"),
            "unable to parse requirement: values[0][k]: Invalid value: \"" + longest +
                "a\": must be no more than 63 bytes");
  EXPECT_NE(problem(longest + "a=b"), "ok");
}

}  // namespace
}  // namespace tiphys::apiserver
