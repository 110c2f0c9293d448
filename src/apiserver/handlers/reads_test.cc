// Lists, watches and their formats, over a memory store.
#include "apiserver/api_server_fixture.h"
#include "apiserver/handlers/continue_token.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";

class ReadsTest : public ApiServerTest {
 protected:
  void make(std::string name) {
    Reply made = ask("POST", kMaps, R"({"metadata":{"name":")" + name + R"("}})");
    EXPECT_EQ(made.status, 201) << made.body;
    revision_ = std::stoll(at(made.body, {"metadata", "resourceVersion"}));
  }
  Reply list(std::string query, std::string accept = "") {
    return ask("GET", std::string(kMaps) + "?" + query, "", "", accept);
  }
  std::string names(const std::string& body) {
    Arena arena;
    auto any = codec::decode_json_any(body, arena);
    std::string all;
    if (!any) return all;
    for (const Value& item : any->as_node().find("items").as_node().items()) {
      all += item.as_node().find("metadata").as_node().find("name").as_text();
    }
    return all;
  }
  // The whole of a watch that ends by its timeout.
  std::string watch(std::string query, std::string accept = "") {
    net::Response response =
        send("GET", std::string(kMaps) + "?watch=1&timeoutSeconds=1&" + query, "", "", accept);
    if (!response.stream) return response.body ? *response.body : "";
    std::string all;
    StopSource stop;
    for (;;) {
      auto chunk = loop_.run(response.stream->next(stop.token()));
      if (!chunk || !*chunk) return all;
      all += **chunk;
    }
  }
  int64_t revision_ = 0;
};

TEST_F(ReadsTest, PagesShowOneState) {
  for (const char* name : {"a", "b", "c"}) make(name);
  Reply first = list("limit=2");
  EXPECT_EQ(names(first.body), "ab");
  EXPECT_EQ(at(first.body, {"metadata", "remainingItemCount"}), "1");
  std::string token = at(first.body, {"metadata", "continue"});
  make("bb");
  Reply second = list("limit=2&continue=" + token);
  EXPECT_EQ(names(second.body), "c");
  EXPECT_EQ(at(second.body, {"metadata", "resourceVersion"}),
            at(first.body, {"metadata", "resourceVersion"}));
  EXPECT_EQ(list("continue=" + token + "&resourceVersion=5").status, 400);
}

TEST_F(ReadsTest, AnExpiredPageGoesOnInconsistently) {
  make("a");
  for (int i = 0; i < 200; ++i) {  // out of the window of recent changes
    Reply put = ask("PUT", std::string(kMaps) + "/a",
                    R"({"metadata":{"name":"a"},"data":{"k":")" + std::to_string(i) + "\"}}");
    ASSERT_EQ(put.status, 200);
  }
  loop_.run_for(std::chrono::minutes(2));
  make("b");
  auto compacted = loop_.run(store_->compact(revision_));
  ASSERT_TRUE(compacted);
  std::string token = encode_continue({2, std::string("a\0", 2)});
  Reply gone = list("limit=1&continue=" + token);
  EXPECT_EQ(gone.status, 410) << gone.body;
  EXPECT_EQ(at(gone.body, {"reason"}), "Expired");
  EXPECT_THAT(at(gone.body, {"message"}), HasSubstr("inconsistent list"));
  Reply rest = list("limit=1&continue=" + at(gone.body, {"metadata", "continue"}));
  EXPECT_EQ(names(rest.body), "b") << rest.body;
  Reply exact = list("resourceVersion=2&resourceVersionMatch=Exact");
  EXPECT_EQ(exact.status, 410);
  EXPECT_EQ(at(exact.body, {"message"}), "The resourceVersion for the provided list is too old.");
}

TEST_F(ReadsTest, ACompactedPageExpiresEvenIfItsChangesAreRemembered) {
  for (const char* name : {"a", "b", "c"}) make(name);
  std::string token = at(list("limit=1").body, {"metadata", "continue"});
  make("d");
  EXPECT_EQ(names(list("limit=1&continue=" + token).body), "b");
  auto compacted = loop_.run(store_->compact(revision_));
  ASSERT_TRUE(compacted);
  Reply gone = list("limit=1&continue=" + token);
  EXPECT_EQ(at(gone.body, {"reason"}), "Expired") << gone.body;
  Reply rest = list("limit=1&continue=" + at(gone.body, {"metadata", "continue"}));
  EXPECT_EQ(names(rest.body), "b") << rest.body;
  EXPECT_EQ(at(rest.body, {"metadata", "remainingItemCount"}), "2");
  EXPECT_EQ(at(rest.body, {"metadata", "resourceVersion"}), std::to_string(revision_));
}

TEST_F(ReadsTest, RevisionsSayWhichStateAnswers) {
  make("a");
  int64_t then = revision_;
  make("b");
  std::string at_then = "resourceVersion=" + std::to_string(then);
  EXPECT_EQ(names(list(at_then + "&resourceVersionMatch=Exact").body), "a");
  EXPECT_EQ(names(list(at_then + "&resourceVersionMatch=NotOlderThan").body), "ab");
  EXPECT_EQ(names(list(at_then + "&limit=5").body), "a");
  EXPECT_EQ(names(list("resourceVersion=0&limit=1").body), "ab");
  Reply future = list("resourceVersion=999999");
  EXPECT_EQ(future.status, 504);
  EXPECT_THAT(at(future.body, {"message"}),
              HasSubstr("Timeout: Too large resource version: 999999, current: "));
  EXPECT_EQ(at(future.body, {"details", "retryAfterSeconds"}), "1");
  EXPECT_EQ(list("resourceVersion=x").status, 400);
  EXPECT_EQ(list("resourceVersionMatch=Exact").status, 422);
}

TEST_F(ReadsTest, AFullPageMayBeFollowedByAnEmptyOne) {
  ask("POST", kMaps, R"({"metadata":{"name":"a","labels":{"x":"1"}}})");
  make("b");
  Reply first = list("labelSelector=x&limit=1");
  EXPECT_EQ(names(first.body), "a");
  EXPECT_EQ(at(first.body, {"metadata", "remainingItemCount"}), "<none>");
  std::string token = at(first.body, {"metadata", "continue"});
  EXPECT_NE(token, "<none>");
  EXPECT_EQ(names(list("labelSelector=x&limit=1&continue=" + token).body), "");
}

TEST_F(ReadsTest, DeleteCollectionTakesAPage) {
  for (const char* name : {"a", "b", "c"}) make(name);
  Reply deleted = ask("DELETE", std::string(kMaps) + "?limit=2");
  EXPECT_EQ(names(deleted.body), "ab");
  EXPECT_EQ(at(deleted.body, {"metadata", "remainingItemCount"}), "1");
  EXPECT_EQ(names(list("fieldSelector=metadata.namespace=default").body), "c");
}

TEST_F(ReadsTest, AWatchBeginsWithTheStateAndMarksItsEnd) {
  make("a");
  std::string events = watch("allowWatchBookmarks=1");
  EXPECT_THAT(events, testing::StartsWith(R"({"type":"ADDED")"));
  EXPECT_THAT(events, HasSubstr(R"("annotations":{"k8s.io/initial-events-end":"true"})"));
  EXPECT_EQ(watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan"), "");
  EXPECT_THAT(watch("resourceVersion=999999&sendInitialEvents=true"
                    "&resourceVersionMatch=NotOlderThan"),
              HasSubstr(R"({"type":"ERROR","object":{"kind":"Status")"));
  EXPECT_THAT(watch("resourceVersionMatch=Exact&resourceVersion=1"),
              HasSubstr("forbidden for watch unless sendInitialEvents is provided"));
  std::string one = "/api/v1/watch/namespaces/default/configmaps/a";
  EXPECT_EQ(ask("GET", one + "?fieldSelector=metadata.name=b").status, 400);
}

TEST_F(ReadsTest, TablesOfAWatchHaveColumnsOnce) {
  make("a");
  make("b");
  std::string events = watch("", "application/json;as=Table;g=meta.k8s.io;v=v1");
  size_t columns = events.find(R"("columnDefinitions":[)");
  EXPECT_NE(columns, std::string::npos);
  EXPECT_EQ(events.find(R"("columnDefinitions":[)", columns + 1), std::string::npos);
  EXPECT_THAT(watch("includeObject=Nope", "application/json;as=Table;g=meta.k8s.io;v=v1"),
              HasSubstr("Unable to convert to Table"));
}

TEST_F(ReadsTest, AcceptChoosesTheForm) {
  make("a");
  std::string one = std::string(kMaps) + "/a";
  EXPECT_THAT(list("", "application/yaml;as=Table;g=meta.k8s.io;v=v1").body,
              HasSubstr("kind: Table"));
  EXPECT_THAT(list("", "application/yaml;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").body,
              HasSubstr("kind: PartialObjectMetadataList"));
  EXPECT_THAT(list("", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").body,
              HasSubstr("is a list (*core.ConfigMapList)"));
  EXPECT_THAT(ask("GET", one, "", "", "text/html").body, HasSubstr("406: Not Acceptable"));
  EXPECT_THAT(watch("", "application/yaml"), HasSubstr("application/json;stream=watch"));
  EXPECT_EQ(ask("POST", kMaps, "{}", "application/cbor").status, 415);
  EXPECT_EQ(ask("POST", kMaps, "{}", "application/json;x").status, 415);
  EXPECT_THAT(ask("GET", std::string(kMaps) + "/z?pretty=1").body, HasSubstr("{\n  \"kind\""));
}

TEST_F(ReadsTest, FieldSelectorsOfAKind) {
  auto why = [&](std::string path) { return at(ask("GET", path).body, {"message"}); };
  EXPECT_EQ(why("/api/v1/nodes?fieldSelector=metadata.namespace=x"),
            "field label not supported: metadata.namespace");
  EXPECT_EQ(why("/api/v1/configmaps?fieldSelector=data=x"),
            "\"data\" is not a known field selector: only \"metadata.name\", "
            "\"metadata.namespace\"");
  EXPECT_EQ(why("/apis/batch/v1/jobs?fieldSelector=x=y"),
            "field label \"x\" not supported for Job");
  EXPECT_EQ(why("/api/v1/pods?fieldSelector=spec.nodeName"),
            "invalid selector: 'spec.nodeName'; can't understand 'spec.nodeName'");
  EXPECT_EQ(why("/api/v1/pods?fieldSelector=spec.nodeName=a=b"),
            "invalid field selector: unescaped character in value: 61");
  EXPECT_EQ(ask("GET", "/api/v1/pods?fieldSelector=spec.host=a").status, 200);
}

TEST_F(ReadsTest, AggregatedDiscovery) {
  std::string as = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  Reply all = ask("GET", "/apis", "", "", as + ",application/json");
  EXPECT_EQ(at(all.body, {"apiVersion"}), "apidiscovery.k8s.io/v2");
  EXPECT_EQ(all.type, as);
  std::string old = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  EXPECT_EQ(at(ask("GET", "/api", "", "", old).body, {"apiVersion"}),
            "apidiscovery.k8s.io/v2beta1");
  EXPECT_EQ(at(ask("GET", "/apis", "", "", "application/json," + as).body, {"kind"}),
            "APIGroupList");
}

}  // namespace
}  // namespace tiphys::apiserver
