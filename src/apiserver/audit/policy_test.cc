#include <gtest/gtest.h>

#include "apiserver/audit/policy_file.h"

namespace tiphys::apiserver::audit {
namespace {

Policy policy(const std::string& rules, const std::string& more = "") {
  auto loaded =
      parse_policy("{apiVersion: audit.k8s.io/v1, kind: Policy, " + more + "rules: " + rules + "}");
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message());
  return loaded ? loaded->policy : Policy{};
}

std::string failure(const std::string& text) {
  auto loaded = parse_policy(text);
  return loaded ? "" : loaded.error().message();
}

std::string rule_failure(const std::string& rule) {
  return failure("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [" + rule + "]}");
}

Attributes resource(const std::string& name, const std::string& subresource = "",
                    const std::string& group = "", const std::string& ns = "default") {
  Attributes attributes;
  attributes.is_resource = true;
  attributes.verb = "get";
  attributes.group = group;
  attributes.resource = name;
  attributes.subresource = subresource;
  attributes.ns = ns;
  attributes.name = "one";
  return attributes;
}

Attributes url(const std::string& path) {
  Attributes attributes;
  attributes.verb = "get";
  attributes.path = path;
  return attributes;
}

struct MatchCase {
  const char* rule;  // of level Request
  Attributes attributes;
  bool matches;
};

TEST(AuditPolicyTest, RulesMatch) {
  UserInfo user;
  user.name = "jane";
  user.groups = {"devs", "all"};
  const MatchCase cases[] = {
      {"", resource("pods"), true},
      {"", url("/healthz"), true},
      {"users: [jane]", resource("pods"), true},
      {"users: [joe]", resource("pods"), false},
      {"userGroups: [ops, all]", resource("pods"), true},
      {"userGroups: [ops]", resource("pods"), false},
      {"verbs: [get]", url("/version"), true},
      {"verbs: [list]", resource("pods"), false},
      {"namespaces: [default]", resource("pods"), true},
      {"namespaces: [\"\"]", resource("nodes", "", "", ""), true},
      {"namespaces: [\"\"]", resource("pods"), false},
      {"namespaces: [default]", url("/version"), false},
      {"resources: [{}]", resource("pods", "log"), true},
      {"resources: [{group: apps}]", resource("pods"), false},
      {"resources: [{group: apps, resources: [deployments]}]", resource("deployments", "", "apps"),
       true},
      {"resources: [{resources: [pods]}]", resource("pods"), true},
      {"resources: [{resources: [pods]}]", resource("pods", "log"), false},
      {"resources: [{resources: [pods/log]}]", resource("pods", "log"), true},
      {"resources: [{resources: [pods/log]}]", resource("pods"), false},
      {"resources: [{resources: [\"*\"]}]", resource("pods", "log"), true},
      {"resources: [{resources: [\"pods/*\"]}]", resource("pods", "log"), true},
      {"resources: [{resources: [\"pods/*\"]}]", resource("pods"), true},
      {"resources: [{resources: [\"pods/*\"]}]", resource("nodes", "log"), false},
      {"resources: [{resources: [\"*/scale\"]}]", resource("x", "scale"), true},
      {"resources: [{resources: [\"*/scale\"]}]", resource("x", "status"), false},
      {"resources: [{resources: [pods], resourceNames: [one]}]", resource("pods"), true},
      {"resources: [{resources: [pods], resourceNames: [two]}]", resource("pods"), false},
      {"nonResourceURLs: [/healthz]", url("/healthz"), true},
      {"nonResourceURLs: [/healthz]", url("/healthz/etcd"), false},
      {"nonResourceURLs: [\"/healthz*\"]", url("/healthz/etcd"), true},
      {"nonResourceURLs: [\"*\"]", url("/x"), true},
      {"nonResourceURLs: [\"*\"]", resource("pods"), false},
  };
  for (const MatchCase& c : cases) {
    Policy one = policy("[{level: Request, " + std::string(c.rule) + "}]");
    EXPECT_EQ(evaluate(one, user, c.attributes).level == Level::kRequest, c.matches) << c.rule;
  }
}

TEST(AuditPolicyTest, FirstRuleDecides) {
  Policy rules = policy(
      "[{level: None, verbs: [watch]}, {level: Metadata, omitStages: "
      "[ResponseStarted], omitManagedFields: false}, {level: Request}]",
      "omitStages: [RequestReceived], omitManagedFields: true, ");
  RequestConfig config = evaluate(rules, {}, resource("pods"));
  EXPECT_EQ(config.level, Level::kMetadata);
  EXPECT_TRUE(config.omit_stages.has(Stage::kRequestReceived));
  EXPECT_TRUE(config.omit_stages.has(Stage::kResponseStarted));
  EXPECT_FALSE(config.omit_stages.has(Stage::kResponseComplete));
  EXPECT_FALSE(config.omit_managed_fields);
  Attributes watch = resource("pods");
  watch.verb = "watch";
  EXPECT_EQ(evaluate(rules, {}, watch).level, Level::kNone);
  EXPECT_EQ(evaluate(policy("[{level: Request, verbs: [list]}]"), {}, watch).level, Level::kNone);
}

TEST(AuditPolicyTest, FaultsAreToldAsUpstream) {
  EXPECT_EQ(rule_failure("{level: None}"), "");
  EXPECT_EQ(rule_failure("{}"), "rules[0].level: Required value");
  EXPECT_EQ(rule_failure("{level: All}"),
            "rules[0].level: Unsupported value: \"All\": supported values: \"None\", \"Metadata\", "
            "\"Request\", \"RequestResponse\"");
  EXPECT_EQ(rule_failure("{level: None, omitStages: [Sent]}"),
            "rules[0].omitStages[0]: Invalid value: \"Sent\": allowed stages are "
            "RequestReceived,ResponseStarted,ResponseComplete,Panic");
  EXPECT_EQ(rule_failure("{level: None, nonResourceURLs: [a, \"/b*c\", \"/d*\"]}"),
            "[rules[0].nonResourceURLs[0]: Invalid value: \"a\": non-resource URL rules must begin "
            "with a '/' character, rules[0].nonResourceURLs[1]: Invalid value: \"/b*c\": "
            "non-resource URL wildcards '*' must be the final character of the rule]");
  EXPECT_EQ(rule_failure("{level: None, nonResourceURLs: [/a], namespaces: [b]}"),
            "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: rules cannot apply to both regular "
            "resources and non-resource URLs");
  EXPECT_EQ(rule_failure("{level: None, resources: [{resourceNames: [a, b]}]}"),
            "rules[0].resources.resourceNames: Invalid value: [\"a\",\"b\"]: using resourceNames "
            "requires at least one resource");
  EXPECT_EQ(rule_failure("{level: None, resources: [{group: rbac/v1}]}")
                .starts_with("rules[0].resources.group: Invalid value: \"rbac/v1\": a lowercase"),
            true);
}

TEST(AuditPolicyTest, DocumentsOfAnotherTypeAreRefused) {
  EXPECT_EQ(failure("apiVersion: audit.k8s.io/v1\nkind: Policy\n"),
            "loaded illegal policy with 0 rules");
  EXPECT_EQ(failure("apiVersion: audit.k8s.io/v1\n"),
            "failed decoding: Object 'Kind' is missing in '{\"apiVersion\":\"audit.k8s.io/v1\"}'");
  EXPECT_EQ(failure("kind: Policy\n"),
            "failed decoding: Object 'apiVersion' is missing in '{\"kind\":\"Policy\"}'");
  EXPECT_TRUE(failure("{apiVersion: audit.k8s.io/v1beta1, kind: Policy}")
                  .starts_with("failed decoding: no kind \"Policy\" is registered for version "
                               "\"audit.k8s.io/v1beta1\" in scheme"));
  EXPECT_EQ(rule_failure("{level: None, verbs: get}"),
            "failed decoding: json: cannot unmarshal string into Go struct field "
            "PolicyRule.rules.verbs of type []string");
  EXPECT_NE(failure("a: [b"), "");
  EXPECT_NE(failure(""), "");
  EXPECT_NE(failure("[]"), "");
}

// As upstream, which warns of them and goes on.
TEST(AuditPolicyTest, UnknownFieldsAreNoted) {
  auto loaded = parse_policy(
      "{apiVersion: audit.k8s.io/v1, kind: Policy, odd: 1, rules: [{level: Request, verb: [get], "
      "resources: [{name: a}]}]}");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->problems,
            (std::vector<std::string>{"unknown field \"odd\"", "unknown field \"rules[0].verb\"",
                                      "unknown field \"rules[0].resources[0].name\""}));
  EXPECT_EQ(loaded->policy.rules.size(), 1u);
}

}  // namespace
}  // namespace tiphys::apiserver::audit
