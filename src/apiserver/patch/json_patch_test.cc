#include "apiserver/patch/json_patch.h"

#include <gtest/gtest.h>

#include "apiserver/patch/merge_patch.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

// The patched document as JSON, or the error's message.
std::string patched(std::string_view document, std::string_view patch) {
  Arena arena;
  auto before = codec::decode_json_any(document, arena);
  auto operations = codec::decode_json_any(patch, arena);
  auto after = apply_json_patch(*before, *operations, arena);
  if (!after) return after.error().message();
  std::string text;
  codec::encode_json_any(*after, text);
  return text;
}

std::string merged(std::string_view document, std::string_view patch) {
  Arena arena;
  Value after = apply_merge_patch(*codec::decode_json_any(document, arena),
                                  *codec::decode_json_any(patch, arena), arena);
  std::string text;
  codec::encode_json_any(after, text);
  return text;
}

std::string repeated(std::string_view operation, size_t times) {
  std::string patch = "[";
  for (size_t i = 0; i < times; ++i) {
    if (i > 0) patch += ',';
    patch += operation;
  }
  return patch + "]";
}

constexpr char kRejected[] = "the server rejected our request due to an error in our request";

TEST(JsonPatch, operations) {
  EXPECT_EQ(patched(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-","value":3}])"),
            R"({"a":[1,2,3]})");
  EXPECT_EQ(patched(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/1","value":3}])"),
            R"({"a":[1,3,2]})");
  EXPECT_EQ(patched(R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])"), R"({"a":[1]})");
  EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])"), R"({"b":1})");
  EXPECT_EQ(patched(R"({"a":{"x":1}})", R"([{"op":"copy","from":"/a","path":"/b"}])"),
            R"({"a":{"x":1},"b":{"x":1}})");
  EXPECT_EQ(patched(R"({"a/b":1,"c~d":2})",
                    R"([{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/c~0d"}])"),
            "{}");
  EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"test","path":"/b","value":null}])"), R"({"a":1})");
  EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])"), R"({"b":2})");
}

TEST(JsonPatch, what_cannot_be_applied_is_rejected) {
  for (std::string_view patch :
       {R"([{"op":"remove","path":"/b"}])", R"([{"op":"replace","path":"/b","value":1}])",
        R"([{"op":"add","path":"/b/c","value":1}])", R"([{"op":"add","path":"","value":{}}])",
        R"([{"op":"test","path":"/a","value":"1"}])", R"([{"op":"explode","path":"/a"}])",
        R"([{"op":"add","value":1}])", R"([{"op":"copy","path":"/b"}])",
        R"([{"op":"replace","path":"","value":1}])", R"([1])"}) {
    EXPECT_EQ(patched(R"({"a":1})", patch), kRejected) << patch;
  }
}

TEST(JsonPatch, has_so_many_operations) {
  constexpr std::string_view kTest = R"({"op":"test","path":"/a","value":1})";
  EXPECT_EQ(patched(R"({"a":1})", repeated(kTest, kMaxJsonPatchOperations)), R"({"a":1})");
  EXPECT_EQ(patched(R"({"a":1})", repeated(kTest, kMaxJsonPatchOperations + 1)),
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, "
            "got 10001");
}

// CVE-2019-1002100: copies of copies.
TEST(JsonPatch, copies_are_bounded_in_sum) {
  std::string document = R"({"a":")" + std::string(kMaxJsonPatchCopyBytes / 4 - 2, 'x') + R"("})";
  constexpr std::string_view kCopy = R"({"op":"copy","from":"/a","path":"/b"})";
  EXPECT_NE(patched(document, repeated(kCopy, 4)), kRejected);
  EXPECT_EQ(patched(document, repeated(kCopy, 5)), kRejected);
  EXPECT_EQ(patched(R"({"a":[]})", repeated(R"({"op":"copy","from":"/a","path":"/a/-"})", 40)),
            kRejected);
}

TEST(MergePatch, nulls_delete_and_are_not_added) {
  EXPECT_EQ(merged(R"({"a":1,"b":{"c":1,"d":2}})", R"({"a":null,"b":{"c":null,"e":3},"z":null})"),
            R"({"b":{"d":2,"e":3}})");
  EXPECT_EQ(merged(R"({"a":1})", R"({"b":{"c":null,"d":[{"e":null}]}})"),
            R"({"a":1,"b":{"d":[{}]}})");
  EXPECT_EQ(merged(R"({"a":[1,2]})", R"({"a":[3]})"), R"({"a":[3]})");
  EXPECT_EQ(merged(R"({"a":1})", "[1]"), "[1]");
}

}  // namespace
}  // namespace tiphys::apiserver
