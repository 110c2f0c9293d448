#include "object/selector.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

class Labels : public testing::Test {
 protected:
  Labels() {
    set_entry(arena_, *labels_, "app", arena_.string("web"));
    set_entry(arena_, *labels_, "tier", arena_.string(""));
    set_entry(arena_, *labels_, "n", arena_.string("5"));
  }
  bool matches(std::string_view text) {
    Result<LabelSelector> selector = LabelSelector::parse(text);
    EXPECT_TRUE(selector) << text << ": " << selector.error().message();
    return selector && selector->matches(*labels_);
  }
  static std::string why(std::string_view text) {
    Result<LabelSelector> selector = LabelSelector::parse(text);
    return selector ? "ok: " + selector->text() : selector.error().message();
  }
  Arena arena_;
  Node* labels_ = arena_.make_node();
};

TEST_F(Labels, match_each_operator) {
  for (const char* yes :
       {"", "app", "!db", "app=web", "app==web", "app!=db", "x!=y", "tier=", "app in (db, web)",
        "app notin (db)", "x notin (a)", "n>4", "n<6", " app = web , tier ", "tier in (a,)"}) {
    EXPECT_TRUE(matches(yes)) << yes;
  }
  for (const char* no : {"db", "!app", "app=db", "app!=web", "app in (db)", "app notin (web)",
                         "n>5", "app>1", "x=", "x in (a)"}) {
    EXPECT_FALSE(matches(no)) << no;
  }
  EXPECT_FALSE(LabelSelector::nothing().matches(*labels_));
  EXPECT_TRUE(LabelSelector::from_map(*labels_).matches(*labels_));
}

TEST_F(Labels, errors_are_upstreams) {
  EXPECT_EQ(why("a=b=c"), "found '=', expected: ',' or 'end of string'");
  EXPECT_EQ(why("a,"), "found '', expected: identifier after ','");
  EXPECT_EQ(why(",a"), "found ',', expected: !, identifier, or 'end of string'");
  EXPECT_EQ(why("a in b"), "unable to parse requirement: found 'b' expected: '('");
  EXPECT_EQ(why("a b"),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
  EXPECT_EQ(why("a in (b"), "unable to parse requirement: found '', expected: ',' or ')'");
  EXPECT_EQ(why("a in (=)"),
            "unable to parse requirement: found '=', expected: ',', ')' or identifier");
  EXPECT_EQ(why("a in (,"), "unable to parse requirement: found '', expected: ',', or identifier");
  EXPECT_EQ(why("a in ()"), "ok: a in ()");
  EXPECT_EQ(
      why("a>x"),
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, "
      "the value must be an integer");
  EXPECT_TRUE(
      why("-=a").starts_with("unable to parse requirement: <nil>: Invalid value: \"-\": "
                             "name part must consist of"));
  EXPECT_TRUE(why("a=" + std::string(64, 'x')).ends_with("must be no more than 63 characters"));
}

TEST_F(Labels, text_is_canonical) {
  EXPECT_EQ(why("z, b in (y,x),!c,a==1"), "ok: a=1,b in (x,y),!c,z");
}

TEST(FieldSelector, terms_match_and_escape) {
  FieldSelector selector = FieldSelector::parse("metadata.name=a\\,b,spec.nodeName!=n1").value();
  ASSERT_EQ(selector.terms().size(), 2u);
  EXPECT_EQ(*selector.required("metadata.name"), "a,b");
  EXPECT_EQ(selector.required("spec.nodeName"), nullptr);
  auto values = [](std::string_view field) {
    return std::string(field == "metadata.name" ? "a,b" : "n2");
  };
  EXPECT_TRUE(selector.matches(values));
  EXPECT_EQ(selector.text(), "metadata.name=a\\,b,spec.nodeName!=n1");
  EXPECT_TRUE(FieldSelector::parse("")->empty());
  EXPECT_EQ(FieldSelector::parse("x").error().message(),
            "invalid selector: 'x'; can't understand 'x'");
  EXPECT_EQ(FieldSelector::parse("a==b")->terms()[0].value, "b");
  EXPECT_EQ(FieldSelector::parse("a=b=c").error().message(),
            "invalid field selector: unescaped character in value: 61");
}

}  // namespace
}  // namespace tiphys
