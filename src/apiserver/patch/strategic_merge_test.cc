#include "apiserver/patch/strategic_merge.h"

#include <gtest/gtest.h>

#include "codec/codec.h"
#include "schema/message.h"

namespace tiphys::apiserver {
namespace {

// Documents are pod specs; the patch's result as JSON, or the error's message.
std::string patched(std::string_view document, std::string_view patch) {
  const schema::Message& type = *schema::find_message("k8s.io.api.core.v1.PodSpec");
  Arena arena;
  auto before = codec::decode_json_any(document, arena);
  auto change = codec::decode_json_any(patch, arena);
  auto after = apply_strategic_merge(*before, *change, type, arena);
  if (!after) return after.error().message();
  std::string text;
  codec::encode_json_any(*after, text);
  return text;
}

TEST(StrategicMerge, lists_merge_by_their_key) {
  EXPECT_EQ(patched(R"({"containers":[{"image":"a","name":"x"},{"image":"b","name":"y"}]})",
                    R"({"containers":[{"image":"c","name":"y"}]})"),
            R"({"containers":[{"image":"a","name":"x"},{"image":"c","name":"y"}]})");
}

TEST(StrategicMerge, items_are_deleted_and_lists_replaced) {
  EXPECT_EQ(patched(R"({"containers":[{"name":"x"},{"name":"y"}]})",
                    R"({"containers":[{"$patch":"delete","name":"x"}]})"),
            R"({"containers":[{"name":"y"}]})");
  EXPECT_EQ(patched(R"({"containers":[{"name":"x"},{"name":"y"}]})",
                    R"({"containers":[{"$patch":"replace"},{"name":"z"}]})"),
            R"({"containers":[{"name":"z"}]})");
}

TEST(StrategicMerge, order_is_set) {
  EXPECT_EQ(patched(R"({"containers":[{"name":"x"},{"name":"y"}]})",
                    R"({"$setElementOrder/containers":[{"name":"y"},{"name":"x"}]})"),
            R"({"containers":[{"name":"y"},{"name":"x"}]})");
}

TEST(StrategicMerge, retained_keys_drop_the_others) {
  EXPECT_EQ(patched(R"({"volumes":[{"emptyDir":{},"name":"v"}]})",
                    R"({"volumes":[{"$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"},)"
                    R"("name":"v"}]})"),
            R"({"volumes":[{"hostPath":{"path":"/x"},"name":"v"}]})");
}

TEST(StrategicMerge, bad_patches) {
  EXPECT_EQ(patched(R"({"containers":[{"name":"x"}]})", R"({"containers":[{"image":"x"}]})"),
            "map: map[image:x] does not contain declared merge key: name");
}

}  // namespace
}  // namespace tiphys::apiserver
