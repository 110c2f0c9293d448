#include "apiserver/validation/rules_fixture.h"
#include "schema/message.h"

namespace tiphys::apiserver {
namespace {

TEST(RuleRows, EveryNameOfARowIsKnown) {
  size_t rows = 0;
  for (const schema::Message* message : schema::all_messages()) {
    for (std::span<const schema::Rule> rules : {message->rules, message->status_rules}) {
      for (const schema::Rule& rule : rules) {
        ++rows;
        if (rule.kind == schema::RuleKind::kCall) {
          EXPECT_NE(find_rule_call(rule.name), nullptr) << rule.name;
        } else if (rule.kind == schema::RuleKind::kFormat) {
          EXPECT_NE(find_rule_format(rule.name), nullptr) << rule.name;
        } else if (rule.kind == schema::RuleKind::kRules) {
          EXPECT_GT(rule.path.depth, 0) << message->name;
        }
      }
    }
  }
  EXPECT_GT(rows, 0u);
}

TEST(RuleRows, RangesUseTheRowsDetailOrTheirOwn) {
  EXPECT_EQ(rule_errors(R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":
      {"leaseDurationSeconds":0,"leaseTransitions":-1}})"),
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0\n"
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0\n");
  EXPECT_EQ(rule_errors(R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease"})"), "");
}

TEST(RuleRows, ItemsOfListsHaveTheirIndex) {
  EXPECT_EQ(
      rule_errors(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding",
      "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Nope","name":"a/b"},
      "subjects":[{"kind":"User","name":"u","apiGroup":"rbac.authorization.k8s.io"},
                  {"kind":"Dog"}]})"),
      "roleRef.kind: Unsupported value: \"Nope\": supported values: \"Role\", \"ClusterRole\"\n"
      "roleRef.name: Invalid value: \"a/b\": may not contain '/'\n"
      "subjects[1].name: Required value\n"
      "subjects[1].kind: Unsupported value: \"Dog\": supported values: \"ServiceAccount\", "
      "\"User\", \"Group\"\n");
}

TEST(RuleRows, ImmutableFieldsAreComparedAtAnUpdateOnly) {
  constexpr std::string_view kOld =
      R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","roleRef":
      {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"a"}})";
  constexpr std::string_view kNew =
      R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","roleRef":
      {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"b"}})";
  EXPECT_EQ(rule_errors(kNew), "");
  EXPECT_EQ(rule_errors(kOld, kOld), "");
  EXPECT_EQ(rule_errors(kNew, kOld),
            "roleRef: Invalid value: "
            "{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"b\"}: "
            "cannot change roleRef\n");
}

TEST(RuleRows, PrintedValues) {
  ObjectPtr role = object_of(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole",
      "metadata":{"name":"x","labels":{"a":"<b>"},"generation":3},"rules":[]})");
  const schema::Message& type = role->type();
  const Node& meta = role->root().field(static_cast<uint16_t>(type.metadata_field)).as_node();
  const schema::Message& meta_type = *type.find("metadata")->message;
  EXPECT_EQ(printed_field(meta_type, meta, "name"), "\"x\"");
  EXPECT_EQ(printed_field(meta_type, meta, "generation"), "3");
  EXPECT_EQ(printed_field(meta_type, meta, "labels"), "{\"a\":\"\\u003cb\\u003e\"}");
  EXPECT_EQ(printed_field(meta_type, meta, "annotations"), "null");
  EXPECT_EQ(printed_field(type, role->root(), "aggregationRule"), "null");
  EXPECT_EQ(printed_field(type, role->root(), "rules"), "[]");
}

}  // namespace
}  // namespace tiphys::apiserver
