// Field validation of every way to write, and who may create by patching.
#include "apiserver/api_server_fixture.h"
#include "async/gate.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";
constexpr char kMap[] = "/api/v1/namespaces/default/configmaps/a";
constexpr char kJsonPatch[] = "application/json-patch+json";
constexpr char kMergePatch[] = "application/merge-patch+json";
constexpr char kStrategicPatch[] = "application/strategic-merge-patch+json";
constexpr char kApplyPatch[] = "application/apply-patch+yaml";

// May do anything but create config maps.
class NoCreation : public Authorizer {
 public:
  Verdict authorize(const UserInfo&, const Attributes& attributes) override {
    bool refused = attributes.verb == "create" && attributes.resource == "configmaps";
    return {refused ? Decision::kNoOpinion : Decision::kAllow, ""};
  }
};

class PatchTest : public ApiServerTest {
 protected:
  PatchTest() { ask("POST", kMaps, R"({"metadata":{"name":"a"},"data":{"k":"1"}})"); }

  Task<void> patch_at_once(std::string body, std::vector<int>* statuses) {
    net::Request request;
    request.method = "PATCH";
    request.path = kMap;
    request.body = std::move(body);
    request.headers.set("content-type", kMergePatch);
    net::Response response = co_await server_.handle(std::move(request));
    statuses->push_back(response.status);
  }

  static std::vector<std::string> warnings(const Reply& reply) {
    std::vector<std::string> found;
    for (const auto& header : reply.headers.entries()) {
      if (header.name == "warning") found.push_back(header.value);
    }
    return found;
  }
};

TEST_F(PatchTest, a_patch_of_what_is_not_there_is_not_looked_at) {
  for (const char* type : {kJsonPatch, kMergePatch, kStrategicPatch}) {
    EXPECT_EQ(ask("PATCH", std::string(kMaps) + "/none", "{bad", type).status, 404) << type;
  }
  EXPECT_EQ(ask("PATCH", std::string(kMaps) + "/none?force=true", "{", kMergePatch).status, 422);
  EXPECT_EQ(ask("PATCH", std::string(kMaps) + "/none?fieldManager=m", "{", kApplyPatch).status,
            400);
  EXPECT_EQ(ask("PATCH", std::string(kMaps) + "/none", "{", "text/plain").status, 415);
}

// Upstream tries once more without managers, which may be what makes it too large.
TEST_F(PatchTest, an_object_too_large_for_the_store_is_patched_without_managers) {
  std::string data;
  for (int i = 0; i < 4200; ++i) {
    data += (i ? ",\"" : "\"") + std::string(200, 'k') + std::to_string(i) + "\":\"\"";
  }
  Reply made = ask("PATCH", kMap, "{\"data\":{" + data + "}}", kMergePatch);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(made.body, testing::Not(HasSubstr("managedFields")));
  EXPECT_THAT(made.body, HasSubstr(std::string(200, 'k') + "4199"));
}

// Upstream's GuaranteedUpdate makes the patch again of what somebody else has written meanwhile.
TEST_F(PatchTest, patches_at_the_same_time_all_succeed) {
  std::vector<int> statuses;
  Gate all(loop_);
  for (int i = 0; i < 8; ++i) {
    all.spawn(patch_at_once("{\"data\":{\"k" + std::to_string(i) + "\":\"v\"}}", &statuses));
  }
  loop_.run(all.close());
  EXPECT_THAT(statuses, testing::Each(200));
  std::string stored = ask("GET", kMap).body;
  for (int i = 0; i < 8; ++i) EXPECT_THAT(stored, HasSubstr("\"k" + std::to_string(i) + "\""));
}

TEST_F(PatchTest, who_is_refused_is_told_without_sniffing) {
  server_.set_authorizer(std::make_unique<NoCreation>());
  Reply refused = ask("POST", kMaps, R"({"metadata":{"name":"b"}})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.headers.get("x-content-type-options"), "nosniff");
}

struct Case {
  const char* type;
  const char* body;
  const char* problem;  // as a warning; quotes escaped
  const char* error;    // with fieldValidation=Strict
};

constexpr Case kCases[] = {
    {kMergePatch, R"({"zz":1})", R"(unknown field \"zz\")",
     R"(strict decoding error: unknown field "zz")"},
    {kMergePatch, R"({"data":{"k":"1","k":"2"}})", R"(duplicate field \"data.k\")",
     R"(strict decoding error: duplicate field "data.k")"},
    {kStrategicPatch, R"({"data":{"k":"1","k":"2"},"zz":1})", R"(duplicate field \"data.k\")",
     R"(strict decoding error: duplicate field "data.k", unknown field "zz")"},
    {kJsonPatch, R"([{"op":"test","path":"/data/k","value":"1","x":1}])",
     R"(json patch unknown field \"[0].x\")",
     R"(strict decoding error: json patch unknown field "[0].x")"},
    {kJsonPatch, R"([{"op":"add","op":"add","path":"/data/z","value":"1"}])",
     R"(json patch duplicate field \"[0].op\")",
     R"(strict decoding error: json patch duplicate field "[0].op")"},
};

TEST_F(PatchTest, problems_are_errors_warnings_or_nothing) {
  for (const Case& c : kCases) {
    Reply strict = ask("PATCH", std::string(kMap) + "?fieldValidation=Strict", c.body, c.type);
    EXPECT_EQ(strict.status, 422) << strict.body;
    EXPECT_THAT(at(strict.body, {"message"}), HasSubstr(c.error));
    Reply warned = ask("PATCH", std::string(kMap) + "?dryRun=All", c.body, c.type);
    EXPECT_EQ(warned.status, 200) << warned.body;
    EXPECT_THAT(warnings(warned), testing::Contains("299 - \"" + std::string(c.problem) + "\""));
    Reply ignored =
        ask("PATCH", std::string(kMap) + "?dryRun=All&fieldValidation=Ignore", c.body, c.type);
    EXPECT_EQ(ignored.status, 200) << ignored.body;
    EXPECT_TRUE(warnings(ignored).empty());
  }
}

TEST_F(PatchTest, applied_yaml_with_duplicate_keys) {
  std::string body =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  b: x\n  b: z\n";
  std::string path = std::string(kMap) + "?fieldManager=m&fieldValidation=";
  Reply strict = ask("PATCH", path + "Strict", body, kApplyPatch);
  EXPECT_EQ(strict.status, 400);
  EXPECT_EQ(at(strict.body, {"message"}),
            "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n"
            "  line 6: key \"b\" already set in map");
  Reply warned = ask("PATCH", path + "Warn", body, kApplyPatch);
  EXPECT_EQ(warned.status, 200) << warned.body;
  EXPECT_THAT(warnings(warned),
              testing::ElementsAre(R"(299 - "line 6: key \"b\" already set in map")"));
}

TEST_F(PatchTest, a_merge_patch_that_is_no_object) {
  Reply reply = ask("PATCH", kMap, "[1]", kMergePatch);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(at(reply.body, {"message"}),
            "error decoding patch: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}");
  std::string lax = std::string(kMap) + "?fieldValidation=Ignore";
  EXPECT_EQ(ask("PATCH", lax, "[1]", kMergePatch).status, 422);
  EXPECT_EQ(ask("PATCH", lax, "5", kMergePatch).status, 400);
}

TEST_F(PatchTest, what_is_shown_of_a_bad_outcome) {
  Reply bad = ask("PATCH", kMap, R"({"apiVersion":"v2"})", kMergePatch);
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(at(bad.body, {"message"}),
              HasSubstr(R"({\"apiVersion\":\"v2\",\"data\":{\"k\":\"1\"},\"kind\":\"ConfigMap\",)"
                        R"(\"metadata\":{\"name\":\"a\",\"namespace\":\"default\",\"uid\":)"));
}

TEST_F(PatchTest, creating_by_put_or_apply_needs_the_right_to_create) {
  server_.set_authorizer(std::make_unique<NoCreation>());
  std::string body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"new"}})";
  Reply applied = ask("PATCH", std::string(kMaps) + "/new?fieldManager=m", body, kApplyPatch);
  EXPECT_EQ(applied.status, 403) << applied.body;
  EXPECT_EQ(ask("GET", std::string(kMaps) + "/new").status, 404);
  body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}})";
  applied = ask("PATCH", std::string(kMap) + "?fieldManager=m", body, kApplyPatch);
  EXPECT_EQ(applied.status, 200) << applied.body;
}

TEST_F(PatchTest, applying_with_a_uid_creates_nothing) {
  Reply reply = ask("PATCH", std::string(kMaps) + "/new?fieldManager=m",
                    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"new","uid":"u"}})",
                    kApplyPatch);
  EXPECT_EQ(reply.status, 409) << reply.body;
  EXPECT_EQ(at(reply.body, {"message"}),
            "Operation cannot be fulfilled on configmaps \"new\": uid mismatch: the provided "
            "object specified uid u, and no existing object was found");
}

// ---- scale ----

constexpr char kDeployments[] = "/apis/apps/v1/namespaces/default/deployments";
constexpr char kDeployment[] = R"({"metadata":{"name":"d"},"spec":{"replicas":1,"selector":)"
                               R"({"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":)"
                               R"({"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})";

TEST_F(PatchTest, applying_a_scale_owns_the_replicas) {
  ASSERT_EQ(ask("POST", kDeployments, kDeployment).status, 201);
  std::string path = std::string(kDeployments) + "/d/scale?fieldManager=m";
  std::string body = R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},)"
                     R"("spec":{"replicas":5}})";
  Reply conflict = ask("PATCH", path, body, kApplyPatch);
  EXPECT_EQ(conflict.status, 409) << conflict.body;
  EXPECT_EQ(at(conflict.body, {"message"}),
            "Apply failed with 1 conflict: conflict with \"test\" using autoscaling/v1: "
            ".spec.replicas");
  Reply forced = ask("PATCH", path + "&force=true", body, kApplyPatch);
  EXPECT_EQ(forced.status, 200) << forced.body;
  EXPECT_EQ(at(forced.body, {"spec", "replicas"}), "5");
  Reply object = ask("GET", std::string(kDeployments) + "/d");
  EXPECT_EQ(at(object.body, {"spec", "replicas"}), "5");
  EXPECT_THAT(object.body, HasSubstr(R"({"manager":"m","operation":"Apply","apiVersion":"apps/v1",)"
                                     R"("fieldsType":"FieldsV1","fieldsV1":{"f:spec":)"
                                     R"({"f:replicas":{}}},"subresource":"scale"})"));
  EXPECT_EQ(ask("PATCH", std::string(kDeployments) + "/d/scale", body, kApplyPatch).status, 422);
}

}  // namespace
}  // namespace tiphys::apiserver
