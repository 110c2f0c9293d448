#include "apiserver/reviews/reviews.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/memory_lookup.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

class OneToken : public Authenticator {
 public:
  Result<std::optional<Authenticated>> authenticate(const net::Request&) override {
    return std::optional<Authenticated>();
  }
  Result<std::optional<Authenticated>> authenticate_token(
      std::string_view token, const std::vector<std::string>& audiences) override {
    if (token == "bad") return ApiStatus::unauthorized("invalid bearer token");
    if (token != "good") return std::optional<Authenticated>();
    UserInfo user{.name = "jane", .uid = "7", .groups = {"dev"}, .extra = {{"k", {"v"}}}};
    return std::optional(Authenticated{user, audiences});
  }
};

class ReviewTest : public testing::Test {
 protected:
  ReviewTest() {
    lookup_.put(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, "
        "namespace: a}, rules: [{verbs: [get], apiGroups: [''], resources: [pods], "
        "resourceNames: [x]}]}");
    lookup_.put(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, "
        "namespace: a}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, "
        "subjects: [{kind: User, name: jane}]}");
  }
  // The answer's status as JSON, or the error.
  std::string ask(const std::string& group, const std::string& kind, const std::string& spec,
                  const UserInfo& user = {.name = "jane"}, const std::string& ns = "a") {
    auto draft = codec::decode_object(codec::Format::kYaml,
                                      "{apiVersion: " + group + "/v1, kind: " + kind +
                                          (spec.empty() ? "" : ", spec: " + spec) + "}",
                                      nullptr, nullptr);
    EXPECT_TRUE(draft) << draft.error().message();
    auto answer = review({&authenticator_, &rbac_, &rbac_}, ns, *draft, user);
    if (!answer) return answer.error().message();
    std::string json = *codec::encode_shared(codec::Format::kJson, **answer);
    size_t at = json.find("\"status\":");
    return json.substr(at + 9, json.size() - at - 10);
  }
  std::string access(const std::string& kind, const std::string& spec) {
    return ask("authorization.k8s.io", kind, spec);
  }
  MemoryLookup lookup_;
  RbacAuthorizer rbac_{lookup_};
  OneToken authenticator_;
};

TEST_F(ReviewTest, SubjectAccess) {
  std::string pods = "resourceAttributes: {verb: get, resource: pods, namespace: a, name: x}";
  EXPECT_EQ(access("SubjectAccessReview", "{user: jane, " + pods + "}"),
            R"({"allowed":true,"reason":"RBAC: allowed by RoleBinding \"b/a\" of Role \"r\" to )"
            R"(User \"jane\""})");
  EXPECT_EQ(access("SubjectAccessReview", "{user: joe, " + pods + "}"), R"({"allowed":false})");
  EXPECT_EQ(access("SubjectAccessReview", "{" + pods + "}"),
            ".authorization.k8s.io \"\" is invalid: spec.user: Invalid value: "
            "\"\": at least one of user or group must be specified");
  EXPECT_THAT(access("SubjectAccessReview", "{user: joe}"),
              HasSubstr("spec.resourceAttributes: Invalid value: null: exactly one of "
                        "nonResourceAttributes or resourceAttributes must be specified"));
  EXPECT_THAT(access("SelfSubjectAccessReview", "{" + pods + "}"), HasSubstr("\"allowed\":true"));
  EXPECT_EQ(
      access("SelfSubjectAccessReview", "{nonResourceAttributes: {verb: get, path: /metrics}}"),
      R"({"allowed":false})");
}

TEST_F(ReviewTest, SelectorsAreWellFormed) {
  EXPECT_EQ(access("SelfSubjectAccessReview",
                   "{resourceAttributes: {verb: list, resource: pods, fieldSelector: {}, "
                   "labelSelector: {requirements: [{key: a, operator: In}, {key: b, operator: "
                   "Unheard}]}}}"),
            ".authorization.k8s.io \"\" is invalid: "
            "[spec.resourceAttributes.fieldSelector.requirements: Required value: when "
            "spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is "
            "required, spec.resourceAttributes.labelSelector.requirements[0].values: Required "
            "value: must be specified when `operator` is 'In' or 'NotIn']");
}

TEST_F(ReviewTest, LocalSubjectAccessStaysInItsNamespace) {
  EXPECT_THAT(access("LocalSubjectAccessReview",
                     "{user: jane, resourceAttributes: {verb: get, "
                     "resource: pods, namespace: a, name: x}}"),
              HasSubstr("\"allowed\":true"));
  EXPECT_THAT(access("LocalSubjectAccessReview",
                     "{user: jane, resourceAttributes: {verb: get, resource: pods, namespace: b}}"),
              HasSubstr("spec.resourceAttributes.namespace: Invalid value: \"b\": must match "
                        "metadata.namespace"));
}

TEST_F(ReviewTest, SelfSubjectRules) {
  EXPECT_EQ(access("SelfSubjectRulesReview", "{namespace: a}"),
            R"({"resourceRules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"],)"
            R"("resourceNames":["x"]}],"nonResourceRules":[],"incomplete":false})");
  EXPECT_EQ(access("SelfSubjectRulesReview", "{}"), "no namespace on request");
}

TEST_F(ReviewTest, Token) {
  std::string group = "authentication.k8s.io";
  EXPECT_EQ(ask(group, "TokenReview", "{token: good, audiences: [x]}"),
            R"({"authenticated":true,"user":{"username":"jane","uid":"7","groups":["dev"],)"
            R"("extra":{"k":["v"]}},"audiences":["x"]})");
  EXPECT_EQ(ask(group, "TokenReview", "{token: bad}"),
            R"({"user":{},"error":"invalid bearer token"})");
  EXPECT_EQ(ask(group, "TokenReview", "{token: unknown}"),
            R"({"user":{},"error":"invalid bearer token"})");
  EXPECT_EQ(ask(group, "TokenReview", "{}"), "token is required for TokenReview in authentication");
}

TEST_F(ReviewTest, SelfSubject) {
  UserInfo user{.name = "jane", .uid = "7", .groups = {"dev"}, .extra = {}};
  EXPECT_EQ(ask("authentication.k8s.io", "SelfSubjectReview", "", user),
            R"({"userInfo":{"username":"jane","uid":"7","groups":["dev"]}})");
}

}  // namespace
}  // namespace tiphys::apiserver
