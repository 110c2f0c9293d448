// Defaulting of whole objects against recorded cases (cases.jsonl: what was sent, and what it is
// with all defaults; checked against a reference server's answers). One JSON object a line.
#include <gtest/gtest.h>

#include <fstream>

#include "codec/codec.h"
#include "kinds/defaults.h"

namespace tiphys {
namespace {

std::string text_of(const Value& value) {
  std::string out;
  codec::encode_json_any(value, out);
  return out;
}

std::string defaulted(const std::string& json, int times) {
  Result<Draft> draft = codec::decode_object(codec::Format::kJson, json, nullptr, nullptr);
  if (!draft) return draft.error().message();
  for (int i = 0; i < times; ++i) kinds::apply_defaults(*draft);
  std::string out;
  codec::encode_object(codec::Format::kJson, draft->type(), draft->root(), draft->gvk(), out);
  Arena arena;
  return text_of(*codec::decode_json_any(out, arena));
}

TEST(Defaults, recorded_cases) {
  std::ifstream in("tests/suites/defaults/cases.jsonl");
  std::string line;
  int count = 0;
  while (std::getline(in, line)) {
    Arena arena;
    Result<Value> row = codec::decode_json_any(line, arena);
    ASSERT_TRUE(row) << line;
    const Node& node = row->as_node();
    std::string sent = text_of(node.find("in"));
    std::string expected = text_of(node.find("out"));
    EXPECT_EQ(defaulted(sent, 1), expected) << node.find("id").as_text();
    EXPECT_EQ(defaulted(sent, 2), expected) << node.find("id").as_text() << ": not idempotent";
    ++count;
  }
  EXPECT_GE(count, 70);
}

TEST(Defaults, resource_lists_are_rounded_up_to_thousandths) {
  std::string pod =
      R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"c","image":"i",)"
      R"("resources":{"limits":{"cpu":"1u","memory":"100n"}}}]}})";
  std::string out = defaulted(pod, 1);
  EXPECT_NE(out.find(R"("requests":{"cpu":"1m","memory":"1m"})"), std::string::npos) << out;
}

}  // namespace
}  // namespace tiphys
