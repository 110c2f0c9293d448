#include "apiserver/api_server_fixture.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";

std::string config_map(std::string name, std::string value) {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
         R"("},"data":{"k":")" + value + R"("}})";
}

TEST_F(ApiServerTest, an_object_lives_from_create_to_delete) {
  Reply made = ask("POST", kMaps, config_map("a", "1"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(at(made.body, {"metadata", "namespace"}), "default");
  EXPECT_NE(at(made.body, {"metadata", "uid"}), "<none>");
  EXPECT_EQ(made.body.back(), '\n');
  Reply got = ask("GET", std::string(kMaps) + "/a");
  EXPECT_EQ(got.body, made.body);
  Reply again = ask("POST", kMaps, config_map("a", "1"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(at(again.body, {"message"}), "configmaps \"a\" already exists");
  Reply gone = ask("DELETE", std::string(kMaps) + "/a");
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(at(gone.body, {"status"}), "Success");
  EXPECT_EQ(at(gone.body, {"details", "kind"}), "configmaps");
  EXPECT_EQ(ask("GET", std::string(kMaps) + "/a").status, 404);
}

TEST_F(ApiServerTest, the_cluster_has_what_every_cluster_has) {
  for (const char* path :
       {"/api/v1/namespaces/kube-system", "/api/v1/namespaces/default/services/kubernetes",
        "/api/v1/namespaces/default/endpoints/kubernetes",
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
        "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical"}) {
    EXPECT_EQ(ask("GET", path).status, 200) << path;
  }
  Reply service = ask("GET", "/api/v1/namespaces/default/services/kubernetes");
  EXPECT_EQ(at(service.body, {"spec", "clusterIP"}), "10.43.0.1");
}

TEST_F(ApiServerTest, what_upstream_refuses_in_queries_and_headers) {
  ask("POST", kMaps, config_map("a", "1"));
  const std::string map = std::string(kMaps) + "/a";
  Reply exported = ask("GET", map + "?export=true");
  EXPECT_EQ(exported.status, 400);
  EXPECT_EQ(at(exported.body, {"message"}),
            "the export parameter, deprecated since v1.14, is no longer supported");
  EXPECT_EQ(ask("GET", map + "?export=false").status, 200);
  Reply dry = ask("POST", "/api/v1/namespaces/default/pods/p/exec?dryRun=All");
  EXPECT_EQ(dry.status, 400);
  EXPECT_EQ(at(dry.body, {"message"}), "dryRun is not supported");
  Reply any = ask("GET", map, "", "", "application/*, application/yaml;q=0.5");
  EXPECT_EQ(any.type, "application/json");
  EXPECT_EQ(ask("GET", map, "", "", "application/*").status, 406);
  // The router's own 405 names no methods.
  Reply method = ask("PUT", kMaps, "{}");
  EXPECT_EQ(method.status, 405);
  EXPECT_FALSE(method.headers.has("allow"));
}

TEST_F(ApiServerTest, an_update_by_uid_of_what_is_gone_conflicts) {
  for (const char* path : {"/configmaps/a", "/endpoints/a"}) {
    Reply reply = ask("PUT", std::string("/api/v1/namespaces/default") + path,
                      R"({"metadata":{"name":"a","uid":"u"}})");
    EXPECT_EQ(reply.status, 409) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("Precondition failed: UID in precondition: u, UID in object "
                                      "meta: "));
  }
}

TEST_F(ApiServerTest, what_is_too_large_for_the_store_fails_in_etcds_words) {
  Reply reply = ask("POST", "/apis/apps/v1/namespaces/default/deployments",
                    R"({"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},)"
                    R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{)"
                    R"("name":"c","image":"i","args":[")" +
                        std::string(1'600'000, 'a') + R"("]}]}}}})");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(at(reply.body, {"message"}), "etcdserver: request is too large");
  EXPECT_EQ(at(reply.body, {"reason"}), "<none>");
}

TEST_F(ApiServerTest, an_update_with_an_old_version_conflicts) {
  Reply made = ask("POST", kMaps, config_map("a", "1"));
  std::string version = at(made.body, {"metadata", "resourceVersion"});
  auto body = [&](std::string value) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":")" +
           version + R"("},"data":{"k":")" + value + R"("}})";
  };
  EXPECT_EQ(ask("PUT", std::string(kMaps) + "/a", body("2")).status, 200);
  Reply late = ask("PUT", std::string(kMaps) + "/a", body("3"));
  EXPECT_EQ(late.status, 409);
  EXPECT_THAT(at(late.body, {"message"}),
              HasSubstr("the object has been modified; please apply your changes to the latest"));
  Reply same = ask("PUT", std::string(kMaps) + "/a", config_map("a", "2"));
  Reply twice = ask("PUT", std::string(kMaps) + "/a", config_map("a", "2"));
  EXPECT_EQ(at(same.body, {"metadata", "resourceVersion"}),
            at(twice.body, {"metadata", "resourceVersion"}));
}

TEST_F(ApiServerTest, patches_of_all_three_kinds) {
  ask("POST", kMaps, config_map("a", "1"));
  std::string path = std::string(kMaps) + "/a";
  Reply merge =
      ask("PATCH", path, R"({"data":{"k":null,"x":"y"}})", "application/merge-patch+json");
  EXPECT_EQ(at(merge.body, {"data"}), R"({"x":"y"})");
  Reply json = ask("PATCH", path, R"([{"op":"add","path":"/data/z","value":"1"}])",
                   "application/json-patch+json");
  EXPECT_EQ(at(json.body, {"data", "z"}), "1");
  Reply strategic = ask("PATCH", path, R"({"data":{"$patch":"replace","only":"1"}})",
                        "application/strategic-merge-patch+json");
  EXPECT_EQ(at(strategic.body, {"data"}), R"({"only":"1"})");
  Reply failed = ask("PATCH", path, R"([{"op":"test","path":"/data/only","value":"2"}])",
                     "application/json-patch+json");
  EXPECT_EQ(failed.status, 422);
}

TEST_F(ApiServerTest, server_side_apply_owns_and_conflicts) {
  std::string path = std::string(kMaps) + "/a";
  auto apply = [&](std::string manager, std::string data, std::string more = "") {
    return ask(
        "PATCH", path + "?fieldManager=" + manager + more,
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":)" + data + "}",
        "application/apply-patch+yaml");
  };
  EXPECT_EQ(apply("one", R"({"a":"1","b":"1"})").status, 201);
  Reply conflict = apply("two", R"({"a":"2"})");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(at(conflict.body, {"message"}),
            "Apply failed with 1 conflict: conflict with \"one\": .data.a");
  EXPECT_EQ(apply("two", R"({"a":"2"})", "&force=true").status, 200);
  Reply removed = apply("one", R"({})");
  EXPECT_EQ(at(removed.body, {"data"}), R"({"a":"2"})");
}

TEST_F(ApiServerTest, lists_are_cut_and_continued) {
  for (int i = 0; i < 5; ++i) ask("POST", kMaps, config_map("m" + std::to_string(i), "1"));
  Reply first = ask("GET", std::string(kMaps) + "?limit=2");
  EXPECT_EQ(at(first.body, {"metadata", "remainingItemCount"}), "3");
  std::string token = at(first.body, {"metadata", "continue"});
  Reply second = ask("GET", std::string(kMaps) + "?limit=10&continue=" + token);
  EXPECT_THAT(second.body, HasSubstr("\"m4\""));
  EXPECT_EQ(at(second.body, {"metadata", "resourceVersion"}),
            at(first.body, {"metadata", "resourceVersion"}));
  EXPECT_EQ(ask("GET", std::string(kMaps) + "?continue=forged").status, 400);
}

TEST_F(ApiServerTest, a_watch_tells_of_changes_and_ends_in_time) {
  Reply list = ask("GET", kMaps);
  net::Response watch =
      send("GET", std::string(kMaps) + "?watch=true&timeoutSeconds=5&resourceVersion=" +
                      at(list.body, {"metadata", "resourceVersion"}));
  ASSERT_TRUE(watch.stream);
  ask("POST", kMaps, config_map("a", "1"));
  auto chunk = loop_.run(watch.stream->next({}));
  ASSERT_TRUE(chunk && *chunk);
  EXPECT_TRUE((*chunk)->starts_with(R"({"type":"ADDED","object":{"kind":"ConfigMap")")) << **chunk;
  auto end = loop_.run(watch.stream->next({}));
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, nullptr);
}

TEST_F(ApiServerTest, hostile_requests_get_statuses_and_leave_no_trace) {
  struct Case {
    const char* method;
    const char* target;
    const char* body;
    int status;
  };
  const Case kCases[] = {
      {"POST", kMaps, "", 400},
      {"POST", kMaps, "{", 400},
      {"POST", kMaps, "[]", 400},
      {"POST", kMaps, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}})", 400},
      {"POST", kMaps, R"({"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"x"}})", 400},
      {"POST", kMaps, R"({"metadata":{"name":"UPPER"}})", 422},
      {"GET", "/api/v1/namespaces/default/configmaps/%2e%2e", "", 400},
      {"GET", "/api/v1/namespaces/default/configmaps/a%2Fb", "", 404},
      {"GET", "/api/v1/%zz", "", 400},
      {"GET", "/apis/apps/v9", "", 404},
      {"PUT", kMaps, "{}", 405},
      {"BREW", kMaps, "", 405},
      {"GET", "/api/v1/namespaces/default/configmaps?labelSelector=a%3D%3D%3Db", "", 400},
      {"GET", "/api/v1/namespaces/default/configmaps?fieldSelector=nope%3D1", "", 400},
      {"GET", "/api/v1/namespaces/default/configmaps?resourceVersion=x", "", 400},
      {"GET", "/api/v1/namespaces/default/configmaps?limit=x", "", 400},
  };
  for (const Case& c : kCases) {
    Reply reply = ask(c.method, c.target, c.body);
    EXPECT_EQ(reply.status, c.status) << c.method << " " << c.target << " " << c.body << reply.body;
    EXPECT_EQ(at(reply.body, {"kind"}), "Status");
  }
  EXPECT_EQ(at(ask("GET", kMaps).body, {"items"}), "[]");
}

TEST_F(ApiServerTest, many_json_patch_operations_are_refused) {
  ask("POST", kMaps, config_map("a", "1"));
  std::string patch = "[";
  for (int i = 0; i < 10001; ++i) {
    if (i > 0) patch += ',';
    patch += R"({"op":"copy","from":"/data","path":"/data/x"})";
  }
  Reply reply = ask("PATCH", std::string(kMaps) + "/a", patch + "]", "application/json-patch+json");
  EXPECT_EQ(reply.status, 413);
}

TEST_F(ApiServerTest, finalizers_hold_an_object) {
  ask("POST", kMaps, R"({"metadata":{"name":"a","finalizers":["example.com/wait"]}})");
  Reply marked = ask("DELETE", std::string(kMaps) + "/a");
  EXPECT_NE(at(marked.body, {"metadata", "deletionTimestamp"}), "<none>");
  EXPECT_EQ(ask("GET", std::string(kMaps) + "/a").status, 200);
  Reply freed = ask("PATCH", std::string(kMaps) + "/a", R"({"metadata":{"finalizers":null}})",
                    "application/merge-patch+json");
  EXPECT_EQ(freed.status, 200) << freed.body;
  EXPECT_EQ(ask("GET", std::string(kMaps) + "/a").status, 404);
}

TEST_F(ApiServerTest, services_never_share_an_address) {
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    Reply made = ask("POST", "/api/v1/namespaces/default/services",
                     R"({"metadata":{"name":"s)" + std::to_string(i) +
                         R"("},"spec":{"type":"NodePort","ports":[{"port":80}]}})");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_TRUE(seen.insert(at(made.body, {"spec", "clusterIP"})).second);
  }
  Reply taken =
      ask("POST", "/api/v1/namespaces/default/services",
          R"({"metadata":{"name":"t"},"spec":{"clusterIP":"10.43.0.1","ports":[{"port":80}]}})");
  EXPECT_EQ(taken.status, 422);
}

TEST_F(ApiServerTest, every_format_and_transform) {
  ask("POST", kMaps, config_map("a", "1"));
  std::string path = std::string(kMaps) + "/a";
  EXPECT_TRUE(ask("GET", path, "", "", "application/vnd.kubernetes.protobuf")
                  .body.starts_with(std::string("k8s\0", 4)));
  EXPECT_THAT(ask("GET", path, "", "", "application/yaml").body, HasSubstr("kind: ConfigMap\n"));
  Reply table = ask("GET", kMaps, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io");
  EXPECT_EQ(at(table.body, {"kind"}), "Table");
  Reply partial =
      ask("GET", path, "", "", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  EXPECT_EQ(at(partial.body, {"kind"}), "PartialObjectMetadata");
  EXPECT_EQ(at(partial.body, {"data"}), "<none>");
  EXPECT_EQ(ask("GET", path, "", "", "application/xml").status, 406);
  EXPECT_EQ(ask("POST", kMaps, "x", "text/plain").status, 415);
}

}  // namespace
}  // namespace tiphys::apiserver
