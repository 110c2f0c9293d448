#include "apiserver/request/request_info.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

RequestInfo parse(std::string_view method, std::string_view path, std::string_view query = "") {
  return parse_request_info(method, path, query)->info;
}

TEST(RequestInfo, resources_in_namespaces_and_without) {
  RequestInfo pod = parse("GET", "/api/v1/namespaces/default/pods/a");
  EXPECT_TRUE(pod.is_resource);
  EXPECT_EQ(pod.verb, "get");
  EXPECT_EQ(pod.ns, "default");
  EXPECT_EQ(pod.resource, "pods");
  EXPECT_EQ(pod.name, "a");
  RequestInfo status = parse("PUT", "/apis/apps/v1/namespaces/x/deployments/d/status");
  EXPECT_EQ(status.group, "apps");
  EXPECT_EQ(status.subresource, "status");
  EXPECT_EQ(status.verb, "update");
  RequestInfo ns = parse("GET", "/api/v1/namespaces/x");
  EXPECT_EQ(ns.resource, "namespaces");
  EXPECT_EQ(ns.name, "x");
  EXPECT_EQ(ns.ns, "x");
  RequestInfo finalize = parse("PUT", "/api/v1/namespaces/x/finalize");
  EXPECT_EQ(finalize.resource, "namespaces");
  EXPECT_EQ(finalize.subresource, "finalize");
}

TEST(RequestInfo, verbs_of_collections) {
  EXPECT_EQ(parse("GET", "/api/v1/pods").verb, "list");
  EXPECT_EQ(parse("GET", "/api/v1/pods", "watch=true").verb, "watch");
  EXPECT_EQ(parse("GET", "/api/v1/pods", "watch=0").verb, "list");
  EXPECT_EQ(parse("DELETE", "/api/v1/namespaces/x/pods").verb, "deletecollection");
  EXPECT_EQ(parse("GET", "/api/v1/watch/namespaces/x/pods").verb, "watch");
  EXPECT_EQ(parse("GET", "/api/v1/pods", "fieldSelector=metadata.name%3Da").name, "a");
}

TEST(RequestInfo, what_is_no_resource) {
  for (const char* path : {"/", "/version", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1",
                           "/healthz/ping", "/openapi/v3/api/v1"}) {
    EXPECT_FALSE(parse("GET", path).is_resource) << path;
  }
  EXPECT_EQ(parse("GET", "/version").verb, "get");
}

TEST(RequestInfo, proxy_paths_keep_their_rest) {
  RequestInfo proxy = parse("GET", "/api/v1/nodes/n/proxy/logs/a/b/c/d/e/f");
  EXPECT_EQ(proxy.subresource, "proxy");
  EXPECT_EQ(proxy.rest, "logs/a/b/c/d/e/f");
}

TEST(RequestInfo, bad_escapes_are_refused) {
  EXPECT_FALSE(parse_request_info("GET", "/api/v1/%zz", ""));
  EXPECT_TRUE(parse_request_info("GET", "/api/v1/pods/a%2Fb", "")->encoded_slash);
}

}  // namespace
}  // namespace tiphys::apiserver
