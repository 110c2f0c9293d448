#include "kinds/node_selector.h"

#include <gtest/gtest.h>

#include <functional>

namespace tiphys::kinds {
namespace {

using Values = std::vector<std::string>;

bool matches(const std::function<void(core_v1::NodeSelectorEdit)>& edit) {
  Draft node = core_v1::Node::make();
  core_v1::NodeEdit(node).edit_metadata().set_name("a");
  core_v1::NodeEdit(node).edit_metadata().edit_labels().set("color", "blue");
  core_v1::NodeEdit(node).edit_metadata().edit_labels().set("cores", "8");
  Draft pod = core_v1::Pod::make();
  core_v1::NodeAffinityEdit affinity =
      core_v1::PodEdit(pod).edit_spec().edit_affinity().edit_node_affinity();
  edit(affinity.edit_required_during_scheduling_ignored_during_execution());
  return matches_node(core_v1::Pod(pod).spec(), core_v1::Node(node));
}

void put(core_v1::NodeSelectorRequirementEdit requirement, std::string_view key,
         std::string_view op, const Values& values) {
  requirement.set_key(key);
  requirement.set_operator(op);
  for (const std::string& value : values) requirement.edit_values().append(value);
}

bool label(std::string_view key, std::string_view op, const Values& values) {
  return matches([&](core_v1::NodeSelectorEdit selector) {
    put(selector.edit_node_selector_terms().append().edit_match_expressions().append(), key, op,
        values);
  });
}

bool field(std::string_view key, std::string_view op, const Values& values) {
  return matches([&](core_v1::NodeSelectorEdit selector) {
    put(selector.edit_node_selector_terms().append().edit_match_fields().append(), key, op, values);
  });
}

TEST(NodeSelector, operators_on_labels) {
  EXPECT_TRUE(label("color", "In", {"red", "blue"}));
  EXPECT_FALSE(label("color", "In", {"red"}));
  EXPECT_FALSE(label("shape", "In", {"blue"}));
  EXPECT_TRUE(label("color", "NotIn", {"red"}));
  EXPECT_TRUE(label("shape", "NotIn", {"red"}));
  EXPECT_FALSE(label("color", "NotIn", {"blue"}));
  EXPECT_TRUE(label("color", "Exists", {}));
  EXPECT_TRUE(label("shape", "DoesNotExist", {}));
  EXPECT_TRUE(label("cores", "Gt", {"7"}));
  EXPECT_FALSE(label("cores", "Gt", {"8"}));
  EXPECT_TRUE(label("cores", "Lt", {"9"}));
  EXPECT_FALSE(label("color", "Lt", {"9"}));
  EXPECT_FALSE(label("cores", "Gt", {"1", "2"}));
  EXPECT_FALSE(label("color", "Like", {"blue"}));
}

TEST(NodeSelector, the_name_is_a_field) {
  EXPECT_TRUE(field("metadata.name", "In", {"a"}));
  EXPECT_FALSE(field("metadata.name", "In", {"b"}));
  EXPECT_TRUE(field("metadata.name", "NotIn", {"b"}));
  EXPECT_FALSE(field("metadata.uid", "In", {"a"}));
}

TEST(NodeSelector, terms_are_alternatives_and_empty_ones_match_nothing) {
  EXPECT_FALSE(matches([](core_v1::NodeSelectorEdit) {}));
  EXPECT_FALSE(matches(
      [](core_v1::NodeSelectorEdit selector) { selector.edit_node_selector_terms().append(); }));
  EXPECT_TRUE(matches([](core_v1::NodeSelectorEdit selector) {
    selector.edit_node_selector_terms().append();
    put(selector.edit_node_selector_terms().append().edit_match_expressions().append(), "color",
        "Exists", {});
  }));
}

}  // namespace
}  // namespace tiphys::kinds
