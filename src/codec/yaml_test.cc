// YAML: go-yaml's scalar resolution, merges, aliases within a budget, errors, output styles.
#include <gtest/gtest.h>

#include <algorithm>

#include "codec/codec.h"
#include "codec/yaml.h"

namespace tiphys::codec {
namespace {

std::string json(std::string_view yaml) {
  Result<std::string> out = yaml_to_json(yaml);
  return out ? *out : out.error().message();
}

std::string yaml(std::string_view text) {
  std::string out;
  json_to_yaml(text, out);
  return out;
}

TEST(Yaml, scalars_resolve_as_in_go_yaml) {
  EXPECT_EQ(json("[~, null, yes, No, on, true, 'true', y]"),
            "[null,null,true,false,true,true,\"true\",true]");
  EXPECT_EQ(json("[1, -1, 0x10, 010, 0b11, 0o7, 1_000, +5]"), "[1,-1,16,8,3,7,1000,5]");
  EXPECT_EQ(json("[1.5, 1e3, .5, 1., 1.0]"), "[1.5,1000,0.5,1,1]");
  EXPECT_EQ(json("[2020-01-01, 1:20, 08, 1e, 0xg, -, '']"),
            "[\"2020-01-01\",\"1:20\",8,\"1e\",\"0xg\",\"-\",\"\"]");
  EXPECT_EQ(json("[18446744073709551615, 9223372036854775808]"),
            "[18446744073709551615,9223372036854775808]");
  EXPECT_EQ(json("[!!str 1, !!int \"1\", !!float 1, !!binary YQ==]"), "[\"1\",1,1,\"a\"]");
  EXPECT_EQ(json(".nan"), "json: unsupported value: NaN");
  EXPECT_EQ(json(""), "null");
  EXPECT_EQ(json("---\na: 1\n---\nb: 2\n"), "{\"a\":1}");
}

TEST(Yaml, keys_become_strings) {
  EXPECT_EQ(json("{1: a, true: b, 1.5: c, k: d}"),
            "{\"1\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"k\":\"d\"}");
  EXPECT_EQ(json("{[a]: b}"), "unsupported map key of type: slice");
}

TEST(Yaml, merge_keys_give_way_to_own_members) {
  EXPECT_EQ(json("a: &a {x: 1, z: 2}\nb: {<<: *a, z: 3}\n"),
            "{\"a\":{\"x\":1,\"z\":2},\"b\":{\"z\":3,\"x\":1}}");
  EXPECT_EQ(json("<<: 1"), "yaml: map merge requires map or sequence of maps as the value");
}

TEST(Yaml, errors_have_lines) {
  EXPECT_EQ(json("a: b: c"), "yaml: mapping values are not allowed in this context");
  EXPECT_EQ(json("a: 1\nb: c: d"), "yaml: line 2: mapping values are not allowed in this context");
  EXPECT_EQ(json("*x"), "yaml: unknown anchor 'x' referenced");
  EXPECT_EQ(json("a: &a [*a]"), "yaml: anchor 'a' value contains itself");
  EXPECT_EQ(json("a: [1, 2"), "yaml: line 1: did not find expected ',' or ']'");
}

TEST(Yaml, duplicate_keys_are_notes_and_the_last_wins) {
  DecodeNotes notes;
  EXPECT_EQ(yaml_to_json("a: 1\nb: 2\na: 3\n", &notes).value(), "{\"a\":3,\"b\":2}");
  ASSERT_EQ(notes.problems.size(), 1u);
  EXPECT_EQ(notes.problems[0], "yaml: unmarshal errors:\n  line 3: key \"a\" already set in map");
}

TEST(Yaml, noted_duplicates_are_bounded) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "a: 1\n";
  DecodeNotes notes;
  ASSERT_TRUE(yaml_to_json(text, &notes));
  ASSERT_EQ(notes.problems.size(), 1u);
  EXPECT_EQ(std::ranges::count(notes.problems[0], '\n'), static_cast<long>(kMaxProblems));
}

TEST(Yaml, cve_2019_11253_billion_laughs_are_refused) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string previous = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += (j > 0 ? "," : "") + previous;
    bomb += "]\n";
  }
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(json(bomb), "yaml: document contains excessive aliasing");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  // Few aliases of one long text.
  std::string heavy = "a: &a \"" + std::string(1'000'000, 'x') + "\"\nb: [*a,*a,*a,*a,*a,*a,*a]\n";
  EXPECT_EQ(json(heavy), "yaml: document contains excessive aliasing");
}

TEST(Yaml, cve_2019_11254_large_scalars_take_linear_time) {
  auto start = std::chrono::steady_clock::now();
  // 3 MB each: a plain scalar of many words, of many lines, a quoted one, one of colons.
  std::string words;
  std::string lines = "a:\n";
  while (words.size() < 3'000'000) words += "word ";
  while (lines.size() < 3'000'000) lines += "  word\n\n";
  EXPECT_EQ(json("a: " + words).size(), words.size() - 1 + 8);
  EXPECT_GT(json(lines).size(), 1'000'000u);
  EXPECT_GT(json("a: \"" + words + "\"").size(), 2'900'000u);
  json("a: " + std::string(3'000'000, ':'));
  json(std::string(1'000'000, '\n') + std::string(1'000'000, '-'));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Yaml, depth_is_bounded) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(json(nested(kMaxYamlDepth)).size(), 2u * kMaxYamlDepth);
  EXPECT_TRUE(json(nested(kMaxYamlDepth + 1)).starts_with("yaml: exceeded max depth"));
  EXPECT_TRUE(json(nested(500'000)).starts_with("yaml: "));
}

TEST(Yaml, output_quotes_what_would_resolve_otherwise) {
  EXPECT_EQ(
      yaml(R"({"b":"true","a":"x","c":"1","d":"","e":"2020-01-01","f":"a: b",)"
           R"("g":null,"h":[],"i":{}})"),
      "a: x\nb: \"true\"\nc: \"1\"\nd: \"\"\ne: \"2020-01-01\"\nf: 'a: b'\ng: null\nh: []\ni: "
      "{}\n");
  EXPECT_EQ(yaml(R"({"t":"line\nline\n","l":[{"a":1,"b":[2]}]})"),
            "l:\n- a: 1\n  b:\n  - 2\nt: |\n  line\n  line\n");
  EXPECT_EQ(yaml(R"({"a10":1,"a9":2,"B":3,"a":4,"_":5})"), "_: 5\nB: 3\na: 4\na9: 2\na10: 1\n");
  EXPECT_EQ(yaml(R"([1.5,1e21,0.00001])"), "- 1.5\n- 1e+21\n- 1e-05\n");
}

}  // namespace
}  // namespace tiphys::codec
