#include "apiserver/api_server_fixture.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";
constexpr char kJobs[] = "/apis/batch/v1/namespaces/default/jobs";
constexpr char kPods[] = "/api/v1/namespaces/default/pods";

class DeleteTest : public ApiServerTest {
 protected:
  Reply make(std::string path, std::string metadata, std::string more = "") {
    return ask("POST", path, R"({"metadata":)" + metadata + more + "}");
  }
};

TEST_F(DeleteTest, repeated_owner_references_become_one) {
  std::string owner = R"({"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"u"})";
  Reply made = make(kMaps, R"({"name":"x","ownerReferences":[)" + owner + "," + owner + "]}");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(at(made.body, {"metadata", "ownerReferences"}), "[" + owner + "]");
  EXPECT_THAT(std::string(made.headers.get("warning")), HasSubstr("duplicate UID(s) observed: u"));
  std::string other = R"({"apiVersion":"v1","kind":"ConfigMap","name":"b","uid":"u"})";
  Reply both = make(kMaps, R"({"name":"y","ownerReferences":[)" + owner + "," + other + "]}");
  EXPECT_EQ(at(both.body, {"metadata", "ownerReferences"}), "[" + owner + "," + other + "]");
}

TEST_F(DeleteTest, conflicts_of_names_say_how_they_came_about) {
  make(kMaps, R"({"name":"x","finalizers":["example.com/f"]})");
  Reply again = make(kMaps, R"({"name":"x","generateName":"y-"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(
      at(again.body, {"message"}),
      "configmaps \"x\" already exists, the server was not able to generate a unique name for "
      "the object");
  EXPECT_EQ(again.headers.get("retry-after"), "1");
  ask("DELETE", std::string(kMaps) + "/x");
  EXPECT_EQ(at(make(kMaps, R"({"name":"x"})").body, {"message"}),
            "object is being deleted: configmaps \"x\" already exists");
}

TEST_F(DeleteTest, jobs_orphan_by_default_with_a_warning) {
  Reply missing = ask("DELETE", std::string(kJobs) + "/none");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(std::string(missing.headers.get("warning")), HasSubstr("child pods are preserved"));
  Reply quiet = ask("DELETE", std::string(kJobs) + "/none?propagationPolicy=Background");
  EXPECT_FALSE(quiet.headers.has("warning"));
}

TEST_F(DeleteTest, a_finalizer_removed_ends_the_object) {
  make(kMaps, R"({"name":"x","finalizers":["example.com/f"]})");
  std::string path = std::string(kMaps) + "/x";
  Reply marked = ask("DELETE", path + "?propagationPolicy=Foreground");
  EXPECT_EQ(at(marked.body, {"metadata", "finalizers"}),
            R"(["example.com/f","foregroundDeletion"])");
  Reply late = ask("PATCH", path, R"({"metadata":{"finalizers":["example.com/g"]}})",
                   "application/merge-patch+json");
  EXPECT_EQ(late.status, 422);
  Reply freed =
      ask("PATCH", path, R"({"metadata":{"finalizers":null}})", "application/merge-patch+json");
  EXPECT_EQ(freed.status, 200);
  EXPECT_EQ(ask("GET", path).status, 404);
}

TEST_F(DeleteTest, a_running_grace_period_is_only_shortened) {
  Reply made = make(kPods, R"({"name":"p"})",
                    R"(,"spec":{"nodeName":"n","terminationGracePeriodSeconds":60,)"
                    R"("containers":[{"name":"c","image":"i"}]})");
  ASSERT_EQ(made.status, 201) << made.body;
  std::string path = std::string(kPods) + "/p";
  auto period = [&](std::string query) {
    return at(ask("DELETE", path + query).body, {"metadata", "deletionGracePeriodSeconds"});
  };
  EXPECT_EQ(period(""), "60");
  EXPECT_EQ(period("?gracePeriodSeconds=90"), "60");
  EXPECT_EQ(period("?gracePeriodSeconds=20"), "20");
  loop_.run(sleep_for(loop_, std::chrono::seconds(15)));
  // The five seconds have passed: what is left is the least that is still graceful.
  EXPECT_EQ(period("?gracePeriodSeconds=5"), "1");
  EXPECT_EQ(ask("GET", path).status, 200);
  EXPECT_EQ(ask("DELETE", path + "?gracePeriodSeconds=0").status, 200);
  EXPECT_EQ(ask("GET", path).status, 404);
}

TEST_F(DeleteTest, preconditions_hold_or_nothing_happens) {
  make(kMaps, R"({"name":"x"})");
  std::string path = std::string(kMaps) + "/x";
  Reply kept = ask("DELETE", path, R"({"preconditions":{"uid":"other"}})");
  EXPECT_EQ(kept.status, 409);
  EXPECT_THAT(at(kept.body, {"message"}), HasSubstr("the UID in the precondition (other)"));
  EXPECT_EQ(at(kept.body, {"details", "kind"}), "ConfigMap");
  Reply ns = ask("DELETE", "/api/v1/namespaces/kube-public",
                 R"({"preconditions":{"resourceVersion":"1"}})");
  EXPECT_EQ(ns.status, 409);
  EXPECT_THAT(at(ns.body, {"message"}), HasSubstr("on namespaces \"kube-public\": Precondition"));
}

}  // namespace
}  // namespace tiphys::apiserver
