#include "apiserver/openapi/openapi.h"

#include <gtest/gtest.h>

#include "apiserver/openapi/document_protobuf.h"
#include "apiserver/openapi/documents.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

struct Parsed {
  explicit Parsed(std::string_view json) {
    auto parsed = codec::decode_json_any(json, arena);
    if (parsed) root = *parsed;
  }
  const Value& at(std::initializer_list<std::string_view> path) const {
    const Value* value = &root;
    for (std::string_view name : path) value = &value->as_node().find(name);
    return *value;
  }
  std::string text(std::initializer_list<std::string_view> path) const {
    std::string json;
    codec::encode_json_any(at(path), json);
    return json;
  }
  Arena arena;
  Value root;
};

// Every "$ref" below value that leads nowhere.
void find_dangling(const Parsed& document, const Value& value, std::string& bad) {
  const Node& node = value.as_node();
  if (value.type == ValueType::kMap) {
    std::string_view target = node.find("$ref").as_text();
    if (!target.empty()) {
      const Value* found = &document.root;
      size_t from = 2;
      for (size_t to = 0; to != std::string_view::npos; from = to + 1) {
        to = target.find('/', from);
        found = &found->as_node().find(target.substr(from, to - from));
      }
      if (found->is_null()) bad += std::string(target) + "\n";
    }
    for (uint32_t i = 0; i < node.entries(); ++i) {
      find_dangling(document, node.data[2 * i + 1], bad);
    }
  } else if (value.type == ValueType::kList) {
    for (const Value& item : node.items()) find_dangling(document, item, bad);
  }
}

constexpr std::string_view kPodSpec = "io.k8s.api.core.v1.PodSpec";

TEST(OpenApi, VersionTwoTellsHowListsMerge) {
  Parsed document(openapi_v2_document("v1.35.0"));
  EXPECT_EQ(document.at({"swagger"}).as_text(), "2.0");
  Parsed field(document.text({"definitions", kPodSpec, "properties", "containers"}));
  EXPECT_EQ(field.at({"x-kubernetes-patch-merge-key"}).as_text(), "name");
  EXPECT_EQ(field.at({"x-kubernetes-patch-strategy"}).as_text(), "merge");
  EXPECT_EQ(field.at({"x-kubernetes-list-type"}).as_text(), "map");
  EXPECT_EQ(field.text({"x-kubernetes-list-map-keys"}), R"(["name"])");
  EXPECT_EQ(document.text({"definitions", kPodSpec, "required"}), R"(["containers"])");
  EXPECT_EQ(
      document.text({"definitions", "io.k8s.api.core.v1.Pod", "x-kubernetes-group-version-kind"}),
      R"([{"group":"","kind":"Pod","version":"v1"}])");
}

TEST(OpenApi, OperationsHaveTheirActionAndKind) {
  Parsed document(openapi_v2_document("v1.35.0"));
  std::string_view path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale";
  EXPECT_EQ(document.at({"paths", path, "patch", "operationId"}).as_text(),
            "patchAppsV1NamespacedDeploymentScale");
  EXPECT_EQ(document.at({"paths", path, "patch", "x-kubernetes-action"}).as_text(), "patch");
  EXPECT_EQ(
      document.at({"paths", path, "patch", "x-kubernetes-group-version-kind", "kind"}).as_text(),
      "Scale");
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  std::string bad;
  Parsed two(openapi_v2_document("v1.35.0"));
  find_dangling(two, two.root, bad);
  for (const std::string& path : openapi_v3_paths()) {
    Parsed three(openapi_v3_document(path, "v1.35.0"));
    EXPECT_EQ(three.at({"openapi"}).as_text(), "3.0.0") << path;
    find_dangling(three, three.root, bad);
  }
  EXPECT_EQ(bad, "");
}

TEST(OpenApi, VersionThreeWrapsReferences) {
  Parsed document(openapi_v3_document("api/v1", "v1.35.0"));
  Parsed field(
      document.text({"components", "schemas", "io.k8s.api.core.v1.Pod", "properties", "metadata"}));
  EXPECT_EQ(field.text({"allOf"}),
            R"([{"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}])");
  EXPECT_EQ(field.text({"default"}), "{}");
  EXPECT_NE(
      document.text({"components", "schemas", "io.k8s.apimachinery.pkg.util.intstr.IntOrString"})
          .find("oneOf"),
      std::string::npos);
}

TEST(OpenApi, DocumentsBecomeProtobuf) {
  using namespace std::string_literals;
  auto two = document_protobuf_v2(R"({"definitions":{"A":{"type":"object"}},"swagger":"2.0"})");
  ASSERT_TRUE(two);
  EXPECT_EQ(*two,
            "\x4a\x12\x0a\x10\x0a\x01\x41\x12\x0b\xb2\x01\x08\x0a\x06object\x0a\x03"
            "2.0"s);
  auto three = document_protobuf_v3(R"({"components":{"schemas":{"A":{"x-b":1}}}})");
  ASSERT_TRUE(three);
  EXPECT_EQ(*three,
            "\x2a\x18\x0a\x16\x0a\x14\x0a\x01\x41\x12\x0f\x0a\x0d\xa2\x02\x0a\x0a\x03x-b\x12\x03"
            "\x12\x01\x31"s);
  EXPECT_FALSE(document_protobuf_v2("{"));
}

OpenApiRequest request(std::string_view path, std::string_view accept = "") {
  OpenApiRequest made;
  made.path = path;
  made.accept = accept;
  return made;
}

TEST(OpenApi, AnswersConditionalRequests) {
  OpenApi openapi("v1.35.0");
  auto first = openapi.handle(request("/openapi/v2"));
  ASSERT_TRUE(first);
  OpenApiRequest again = request("/openapi/v2");
  std::string etag(first->headers.get("etag"));
  again.if_none_match = etag;
  EXPECT_EQ(openapi.handle(again)->status, 304);
  EXPECT_EQ(openapi.handle(request("/openapi/v2", "text/html"))->status, 406);
  auto protobuf = openapi.handle(
      request("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"));
  EXPECT_EQ(protobuf->headers.get("content-type"),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_FALSE(openapi.handle(request("/openapi/v3/apis/no.such.group/v1")));
}

TEST(OpenApi, HashesNameWhatNeverChanges) {
  OpenApi openapi("v1.35.0");
  auto index = openapi.handle(request("/openapi/v3"));
  ASSERT_TRUE(index && index->body);
  Parsed document(*index->body);
  std::string url(document.at({"paths", "apis/apps/v1", "serverRelativeURL"}).as_text());
  OpenApiRequest apps = request("/openapi/v3/apis/apps/v1");
  apps.hash = "0";
  auto moved = openapi.handle(apps);
  EXPECT_EQ(moved->status, 301);
  EXPECT_EQ(moved->headers.get("location"), url);
  std::string hash = url.substr(url.find('=') + 1);
  apps.hash = hash;
  auto found = openapi.handle(apps);
  EXPECT_EQ(found->status, 200);
  EXPECT_EQ(found->headers.get("cache-control"), "public, immutable");
  EXPECT_EQ(found->headers.get("expires"), "Fri, 01 Jan 1971 00:00:00 GMT");
}

}  // namespace
}  // namespace tiphys::apiserver
