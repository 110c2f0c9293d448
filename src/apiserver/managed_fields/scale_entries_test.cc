#include "apiserver/managed_fields/scale_entries.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

ManagerEntry entry(std::string manager, std::string operation, std::string_view fields) {
  ManagerEntry made;
  made.manager = std::move(manager);
  made.operation = std::move(operation);
  made.api_version = "apps/v1";
  made.time = 7;
  made.fields = *FieldSet::parse(fields);
  return made;
}

constexpr std::string_view kReplicas = R"({"f:spec":{"f:replicas":{}}})";
constexpr std::string_view kBoth = R"({"f:spec":{"f:paused":{},"f:replicas":{}}})";
constexpr std::string_view kPaused = R"({"f:spec":{"f:paused":{}}})";

TEST(ScaleEntries, owners_of_the_replicas_own_those_of_the_scale) {
  Managers scale = scale_entries({entry("a", "Update", kBoth), entry("b", "Apply", kPaused)});
  ASSERT_EQ(scale.size(), 1u);
  EXPECT_EQ(scale[0].manager, "a");
  EXPECT_EQ(scale[0].api_version, kScaleApiVersion);
  EXPECT_EQ(scale[0].fields.json(), kReplicas);
}

TEST(ScaleEntries, an_owner_that_applied_keeps_its_entry) {
  Managers parent = {entry("a", "Apply", kBoth)};
  Managers merged = merge_scale_entries(parent, scale_entries(parent), "apps/v1");
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_EQ(merged[0].fields.json(), kBoth);
  EXPECT_EQ(merged[0].time, 7);
}

TEST(ScaleEntries, an_owner_that_updated_is_split) {
  Managers parent = {entry("a", "Update", kBoth)};
  Managers merged = merge_scale_entries(parent, scale_entries(parent), "apps/v1");
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].fields.json(), kPaused);
  EXPECT_EQ(merged[1].fields.json(), kReplicas);
  EXPECT_EQ(merged[1].api_version, "apps/v1");
  EXPECT_EQ(merged[1].time, 0);
}

TEST(ScaleEntries, who_loses_the_replicas_in_the_scale_loses_them) {
  Managers merged = merge_scale_entries({entry("a", "Apply", kBoth)}, {}, "apps/v1");
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_EQ(merged[0].fields.json(), kPaused);
}

}  // namespace
}  // namespace tiphys::apiserver
