// Bad input through the whole pipeline: every limit at and past its edge, forged tokens, floods of
// labels. Each ends in the API's own error, leaves no trace and harms nobody else.
#include "apiserver/api_server_fixture.h"
#include "apiserver/handlers/selection.h"
#include "apiserver/patch/json_patch.h"
#include "apiserver/registry/field_error.h"
#include "base/strings.h"
#include "codec/limits.h"

namespace tiphys::apiserver {
namespace {

// A body that was too large to be read is told at the place, and in the format, of other problems.
TEST_F(ApiServerTest, a_body_that_is_too_large_is_told_in_the_format_asked_for) {
  auto send_large = [&](std::string method, std::string path, std::string type) {
    net::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers.set("content-type", type);
    request.headers.set("accept", "application/yaml");
    request.body_too_large = true;
    return loop_.run(server_.handle(std::move(request)));
  };
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  for (const auto& [method, path, type] :
       {std::tuple("POST", maps, "application/json"), std::tuple("PUT", maps + "/a", "any"),
        std::tuple("PATCH", maps + "/a", "application/merge-patch+json"),
        std::tuple("DELETE", maps + "/a", "any"), std::tuple("DELETE", maps, "any")}) {
    net::Response response = send_large(method, path, type);
    EXPECT_EQ(response.status, 413) << method;
    EXPECT_EQ(response.headers.get("content-type"), "application/yaml");
    EXPECT_THAT(*response.body,
                testing::HasSubstr("message: 'Request entity too large: limit is 3145728'"));
  }
  EXPECT_EQ(send_large("POST", maps, "any").status, 415);
  EXPECT_EQ(send_large("POST", "/api/v1/nothing", "any").status, 404);
  EXPECT_EQ(send_large("GET", maps, "any").status, 200);
}

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
constexpr const char* kSecrets = "/api/v1/namespaces/default/secrets";

std::string map_named(const std::string& name) {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name + R"("}})";
}

std::string repeated(size_t times, std::string_view piece) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += piece;
  return text;
}

std::string patch_of(size_t operations, std::string_view operation) {
  std::string text = "[";
  for (size_t i = 0; i < operations; ++i) text += (i > 0 ? "," : "") + std::string(operation);
  return text + "]";
}

double cpu_seconds() { return static_cast<double>(clock()) / CLOCKS_PER_SEC; }

class HostileInputTest : public ApiServerTest {
 protected:
  // A 4xx Status, and the server goes on.
  void refused(const Reply& reply, const std::string& what) {
    EXPECT_GE(reply.status, 400) << what;
    EXPECT_LT(reply.status, 500) << what << reply.body.substr(0, 300);
    EXPECT_EQ(at(reply.body, {"kind"}), "Status") << what;
    EXPECT_LT(reply.body.size(), 100'000u) << what << ": an answer must not echo the input whole";
    EXPECT_EQ(ask("GET", std::string(kMaps) + "?limit=1").status, 200) << what;
  }
  Reply post_yaml(std::string body) {
    return ask("POST", kMaps, std::move(body), "application/yaml");
  }
};

TEST_F(HostileInputTest, cve_2019_11253_nested_anchors) {
  std::string bomb = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n";
  bomb += "  a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    std::string previous = "*a" + std::to_string(i - 1);
    bomb += "  a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous +
            repeated(8, "," + previous) + "]\n";
  }
  double before = cpu_seconds();
  refused(post_yaml(bomb), "billion laughs");
  refused(
      ask("PATCH", std::string(kMaps) + "/a?fieldManager=m", bomb, "application/apply-patch+yaml"),
      "billion laughs applied");
  EXPECT_LT(cpu_seconds() - before, 5) << "under ASan; under 1 s in the real server (tests/e2e)";
}

TEST_F(HostileInputTest, cve_2019_11253_depth) {
  std::string head = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"x":)";
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep = head + repeated(500'000, open);
    refused(ask("POST", kMaps, deep), "deep JSON");
    refused(ask("PATCH", std::string(kMaps) + "/a", deep, "application/merge-patch+json"),
            "deep merge patch");
  }
  refused(post_yaml("a: " + repeated(500'000, "[")), "deep YAML");
  refused(post_yaml(repeated(500'000, "- ")), "deep YAML in lines");
  ask("POST", kMaps, map_named("deep"));
  std::string patch = R"([{"op":"add","path":"/metadata/annotations","value":)" +
                      repeated(9'000, "[") + repeated(9'000, "]") + "}]";
  refused(ask("PATCH", std::string(kMaps) + "/deep", patch, "application/json-patch+json"),
          "deep value of a JSON patch");
}

TEST_F(HostileInputTest, cve_2019_11254_large_scalars) {
  double before = cpu_seconds();
  std::string head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
  refused(post_yaml(head + "data: " + repeated(700'000, "a b ")), "a long plain scalar");
  refused(post_yaml(head + "data: {a: " + repeated(700'000, ": ") + "}"), "colons");
  refused(post_yaml(head + "immutable: \"" + repeated(1'000'000, "\\n") + "\""), "escapes");
  EXPECT_LT(cpu_seconds() - before, 30) << "under ASan; linear all the same";
}

TEST_F(HostileInputTest, cve_2019_1002100_json_patch_operations) {
  ask("POST", kMaps, R"({"metadata":{"name":"a"},"data":{"k":"v"}})");
  auto patch = [&](size_t operations, std::string_view operation) {
    return ask("PATCH", std::string(kMaps) + "/a", patch_of(operations, operation),
               "application/json-patch+json");
  };
  std::string_view test = R"({"op":"test","path":"/data/k","value":"v"})";
  EXPECT_EQ(patch(kMaxJsonPatchOperations, test).status, 200);
  Reply many = patch(kMaxJsonPatchOperations + 1, test);
  EXPECT_EQ(many.status, 413);
  EXPECT_EQ(at(many.body, {"message"}),
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, "
            "got 10001");
  // Copies that double what they copy: refused by the size, long before the count.
  double before = cpu_seconds();
  std::string_view copy = R"({"op":"copy","from":"/data","path":"/data/x"})";
  refused(patch(9'000, copy), "doubling copies");
  EXPECT_EQ(patch(100'000 / 2, copy).status, 413);
  EXPECT_LT(cpu_seconds() - before, 20);
  EXPECT_EQ(at(ask("GET", std::string(kMaps) + "/a").body, {"data"}), R"({"k":"v"})");
}

TEST_F(HostileInputTest, selectors_are_bounded) {
  auto list = [&](const std::string& selector) {
    return ask("GET", std::string(kMaps) + "?labelSelector=" + percent_encode(selector));
  };
  std::string terms = repeated(kMaxSelectorBytes / 2 - 1, "a,") + "a";
  EXPECT_EQ(list(terms).status, 200) << "at the limit: " << terms.size();
  refused(list(terms + ",a,a"), "past the limit");
  refused(list("a in (" + repeated(kMaxSelectorBytes, "b,") + ")"), "many values");
  refused(list(repeated(10'000, "(")), "parentheses");
  refused(list("a=" + std::string(5'000, 'x')), "a long value");
  refused(ask("GET", std::string(kMaps) + "?fieldSelector=" +
                         percent_encode(repeated(kMaxSelectorBytes, "metadata.name=a,"))),
          "a long field selector");
}

TEST_F(HostileInputTest, continue_tokens_can_be_forged_but_to_no_use) {
  for (const char* name : {"a", "b", "c"}) ask("POST", kMaps, map_named(name));
  ask("POST", kSecrets, R"({"metadata":{"name":"hidden"},"stringData":{"k":"v"}})");
  auto list = [&](const std::string& token) {
    return ask("GET", std::string(kMaps) + "?limit=1&continue=" + percent_encode(token));
  };
  for (const char* json :
       {"", "x", "{}", "[]", "null", R"({"v":"meta.k8s.io/v2","rv":1,"start":"a"})",
        R"({"v":"meta.k8s.io/v1","rv":0,"start":"a"})",
        R"({"v":"meta.k8s.io/v1","rv":1,"start":""})",
        R"({"v":"meta.k8s.io/v1","rv":1,"start":"../../secrets/default/"})",
        R"({"v":"meta.k8s.io/v1","rv":-1,"start":"a/../../../secrets/default/"})",
        R"({"v":"meta.k8s.io/v1","rv":"1","start":"a"})",
        R"({"v":"meta.k8s.io/v1","rv":99999999999999999999,"start":"a"})"}) {
    std::string token = base64url_encode(json);
    if (!token.empty()) refused(list(token), json);
  }
  refused(list("!!!"), "no base64");
  refused(list(std::string(1'000'000, 'A')), "a long token");
  // A token that is well formed says where to go on, whoever made it: never in another resource.
  Reply beyond = list(base64url_encode(R"({"v":"meta.k8s.io/v1","rv":-1,"start":"~"})"));
  EXPECT_EQ(beyond.body.find("hidden"), std::string::npos);
  Reply future = list(base64url_encode(R"({"v":"meta.k8s.io/v1","rv":999999999,"start":"a"})"));
  EXPECT_EQ(future.body.find("hidden"), std::string::npos);
  EXPECT_GE(future.status, 400);
}

TEST_F(HostileInputTest, bodies_of_wrong_formats) {
  const std::pair<const char*, std::string> kBodies[] = {
      {"application/json", std::string("\0\0\0", 3)},
      {"application/json", "\xff\xfe{}"},
      {"application/json", map_named("a") + map_named("b")},
      {"application/json", "\"" + std::string(1'000'000, '\\')},
      {"application/vnd.kubernetes.protobuf", "k8s"},
      {"application/vnd.kubernetes.protobuf", std::string("k8s\0", 4) + std::string(64, '\xff')},
      {"application/vnd.kubernetes.protobuf", std::string("k8s\0\x0a\xff\xff\xff\xff\x0f", 10)},
      {"application/yaml", "%"},
      {"application/yaml", "a: &a [*a]"},
      {"application/yaml", "&a a: *b"},
      {"application/yaml", "!!binary x: !!float y"},
      {"text/plain", "x"},
      {"application/json; charset=\"", "{}"},
  };
  for (const auto& [type, body] : kBodies) refused(ask("POST", kMaps, body, type), type);
  EXPECT_EQ(at(ask("GET", kMaps).body, {"items"}), "[]");
}

TEST_F(HostileInputTest, problems_of_strict_decoding_are_bounded) {
  std::string body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"})";
  for (int i = 0; i < 100'000; ++i) body += R"(,"unknown)" + std::to_string(i) + R"(":1)";
  Reply strict = ask("POST", std::string(kMaps) + "?fieldValidation=Strict", body + "}");
  refused(strict, "100,000 unknown fields");
  Reply warned = ask("POST", std::string(kMaps) + "?fieldValidation=Warn", body + "}");
  EXPECT_EQ(warned.status, 201);
  size_t warnings = 0;
  for (const auto& header : warned.headers.entries()) warnings += header.name == "warning" ? 1 : 0;
  EXPECT_GT(warnings, 0u);
  EXPECT_LE(warnings, codec::kMaxProblems);
}

// 3 MiB of small values that are each wrong must not become an answer of 200 MB.
TEST_F(HostileInputTest, errors_of_validation_are_bounded) {
  std::string body = R"({"metadata":{"name":"a"},"spec":{"signerName":"a.b/c","usages":["u")";
  for (int i = 0; i < 60'000; ++i) body += ",\"u" + std::to_string(i) + '"';
  Reply reply =
      ask("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", body + "]}}");
  EXPECT_EQ(reply.status, 422);
  EXPECT_NE(reply.body.find("Unsupported value: \\\"u7\\\""), std::string::npos);
  EXPECT_GT(reply.body.size(), kMaxFieldErrorBytes);
  EXPECT_LT(reply.body.size(), 3 * kMaxFieldErrorBytes);
}

// Lists whose items are compared with each other: one loop serves everybody, so no squares.
TEST_F(HostileInputTest, long_lists_take_linear_time) {
  auto list = [](int count, const std::string& before, const std::string& after) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) {
      text += (i > 0 ? "," : "") + before + std::to_string(i) + after;
    }
    return text + "]";
  };
  double before = cpu_seconds();
  std::string owners = list(10'000, R"({"apiVersion":"v1","kind":"A","name":"n","uid":"u)", "\"}");
  Reply owned = ask("POST", kMaps, R"({"metadata":{"name":"o","ownerReferences":)" + owners + "}}");
  EXPECT_EQ(owned.status, 201);
  std::string pod =
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],)"
      R"("tolerations":)" +
      list(8'000, R"({"operator":"Exists","key":"k)", "\"}") + R"(,"schedulingGates":)" +
      list(8'000, R"({"name":"g)", "\"}") + R"(,"topologySpreadConstraints":)" +
      list(3'000, R"({"maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","topologyKey":"k)", "\"}") +
      "}}";
  EXPECT_EQ(ask("POST", "/api/v1/namespaces/default/pods", pod).status, 201);
  Reply patched = ask("PATCH", "/api/v1/namespaces/default/pods/p",
                      R"({"metadata":{"labels":{"a":"b"}}})", "application/merge-patch+json");
  EXPECT_EQ(patched.status, 200) << patched.body.substr(0, 300);
  std::string apply = std::string(kMaps) + "/m?fieldManager=m";
  std::string data =
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"k":"")";
  std::string keys = list(15'000, "\"k", "\":\"\"");
  std::string all = data + "," + keys.substr(1, keys.size() - 2) + "}}";
  EXPECT_EQ(ask("PATCH", apply, all, "application/apply-patch+yaml").status, 201);
  Reply dropped = ask("PATCH", apply, data + "}}", "application/apply-patch+yaml");
  EXPECT_EQ(at(dropped.body, {"data"}), R"({"k":""})");
  EXPECT_LT(cpu_seconds() - before, 20) << "under ASan; a minute and more when it is quadratic";
}

// A v1 autoscaler carries what v2 has more of as JSON in annotations: anything may be in them.
TEST_F(HostileInputTest, cve_2024_0793_malformed_annotations_of_autoscalers) {
  std::string path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
  std::string spec =
      R"("spec":{"maxReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"d"}}})";
  ask("POST", path, R"({"metadata":{"name":"whole"},)" + spec);
  int count = 0;
  for (const char* field : {"behavior", "metrics", "current-metrics", "conditions"}) {
    for (const char* value :
         {"", "{}", "[]", "null", "x", "[null]", "[{}]", R"({"scaleUp":{}})",
          R"({"scaleUp":{"policies":[null]},"scaleDown":null})", R"([{"type":"Resource"}])",
          R"([{"type":"Pods","pods":null}])", R"([{"type":"Object","object":{}}])"}) {
      std::string annotations = std::string(R"("annotations":{"autoscaling.alpha.kubernetes.io/)") +
                                field + "\":" + go_quote(value) + "}";
      std::string name = "h" + std::to_string(++count);
      Reply made =
          ask("POST", path, R"({"metadata":{"name":")" + name + "\"," + annotations + "}," + spec);
      EXPECT_LT(made.status, 500) << field << " " << value << made.body;
      Reply patched = ask("PATCH", path + "/whole", "{\"metadata\":{" + annotations + "}}",
                          "application/merge-patch+json");
      EXPECT_LT(patched.status, 500) << field << " " << value << patched.body;
    }
  }
  for (const char* version : {"v1", "v2"}) {
    Reply listed = ask("GET", std::string("/apis/autoscaling/") + version +
                                  "/namespaces/default/horizontalpodautoscalers");
    EXPECT_EQ(listed.status, 200) << listed.body;
  }
}

// Nobody can make new label sets: verbs, paths and resources that aren't known are one.
TEST_F(HostileInputTest, cve_2020_8551_and_8552_metric_labels_are_bounded) {
  auto series = [&] {
    std::string text = ask("GET", "/metrics").body;
    return std::ranges::count(text, '\n');
  };
  // Each kind of answer once, so that what follows can only repeat.
  auto burst = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      std::string n = std::to_string(i);
      ask("VERB" + n, kMaps);
      ask("GET", "/random/" + n);
      ask("GET", "/apis/group" + n + ".example.com/v1/things");
      ask("GET", "/api/v1/namespaces/n" + n + "/random" + n);
      ask("GET", std::string(kMaps) + "/name" + n);
      ask("GET", std::string(kMaps) + "/name" + n + "/sub" + n);
      ask("POST", std::string(kMaps) + "?dryRun=x" + n, map_named("a"));
    }
  };
  burst(0, 2);
  auto before = series();
  burst(2, 300);
  EXPECT_LE(series(), before + 2);
  EXPECT_EQ(ask("GET", "/metrics").body.find("VERB7"), std::string::npos);
}

}  // namespace
}  // namespace tiphys::apiserver
