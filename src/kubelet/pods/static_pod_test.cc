#include "kubelet/pods/static_pod.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kManifest = R"(apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: c
    image: nginx
)";

Result<ObjectPtr> parse(const std::string& text, const std::string& file = "/m/web.yaml") {
  return parse_static_pod({text, file, "Node1", 0, {}});
}
std::string problem(const std::string& text) {
  Result<ObjectPtr> pod = parse(text);
  return pod ? "" : pod.error().message();
}
std::string spec_problem(const std::string& more) {
  return problem(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{)" + more +
                 R"(,"containers":[{"name":"c","image":"i"}]}})");
}
std::string volume_problem(const std::string& source) {
  return spec_problem(R"("volumes":[{"name":"v",)" + source + "}]");
}

TEST(StaticPod, IsAPodOfThisNode) {
  Result<ObjectPtr> parsed = parse(kManifest);
  ASSERT_TRUE(parsed) << parsed.error().message();
  core_v1::Pod pod(**parsed);
  EXPECT_EQ(pod.metadata().name(), "web-node1");
  EXPECT_EQ(pod.metadata().namespace_(), "default");
  EXPECT_EQ(pod.metadata().uid().size(), 32u);
  EXPECT_EQ(pod.metadata().annotations().find(kConfigHashAnnotation), pod.metadata().uid());
  EXPECT_EQ(pod.metadata().annotations().find(kConfigSourceAnnotation), "file");
  EXPECT_TRUE(pod.metadata().annotations().contains(kConfigSeenAnnotation));
  EXPECT_EQ(pod.spec().node_name(), "Node1");
  EXPECT_EQ(pod.spec().restart_policy(), "Always");
  EXPECT_EQ(pod.spec().tolerations()[0].effect(), "NoExecute");
  EXPECT_EQ(pod.spec().containers()[0].termination_message_path(), "/dev/termination-log");
  EXPECT_TRUE(is_static_pod(pod) && !is_mirror_pod(pod));
}

TEST(StaticPod, APodOfTheApiCantSayThatItIsOne) {
  ObjectPtr pod = *parse(kManifest);
  ObjectPtr tamed = as_api_pod(pod);
  EXPECT_FALSE(is_static_pod(core_v1::Pod(*tamed)));
  EXPECT_EQ(core_v1::Pod(*tamed).metadata().uid(), core_v1::Pod(*pod).metadata().uid());
  EXPECT_EQ(as_api_pod(tamed), tamed);
  ObjectPtr mirror = make_mirror_pod(*pod, "node1", "node-uid");
  EXPECT_EQ(as_api_pod(mirror), mirror);
}

TEST(StaticPod, AChangedFileIsAnotherPod) {
  auto uid = [](const std::string& text, const std::string& file) {
    return std::string(core_v1::Pod(**parse(text, file)).metadata().uid());
  };
  std::string first = uid(kManifest, "/m/a");
  EXPECT_EQ(uid(kManifest, "/m/a"), first);
  EXPECT_NE(uid(kManifest, "/m/b"), first);
  EXPECT_NE(uid(std::string(kManifest) + "  hostNetwork: true\n", "/m/a"), first);
  EXPECT_EQ(uid(std::string(kManifest) + "# the same\n", "/m/a"), first);
  EXPECT_EQ(uid(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","uid":"mine"},
                    "spec":{"containers":[{"name":"c"}]}})",
                "/m/a"),
            "mine");
}

TEST(StaticPod, OtherFilesAreRefused) {
  EXPECT_NE(problem(""), "");
  EXPECT_NE(problem("{"), "");
  EXPECT_NE(problem("just: words"), "");
  EXPECT_EQ(problem(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}})"),
            "invalid pod: it is of another kind");
  EXPECT_EQ(problem(R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"c"}]}})"),
            "metadata.name: Required value");
  StaticPodInput checked{kManifest, "f", "n", 0,
                         [](const Object&) { return ApiStatus::bad_request("[because]"); }};
  EXPECT_EQ(parse_static_pod(checked).error().message(), "invalid pod: [because]");
}

struct UrlPods : testing::Test {
  static std::string pod(const std::string& name, const std::string& spec = "") {
    return R"({"metadata":{"name":")" + name + R"("},"spec":{)" + spec +
           R"("containers":[{"name":"c","image":"i"}]}})";
  }
  static std::string list(const std::vector<std::string>& pods) {
    std::string items;
    for (const std::string& one : pods) items += (items.empty() ? "" : ",") + one;
    return R"({"apiVersion":"v1","kind":"PodList","items":[)" + items + "]}";
  }
  static Result<std::vector<ObjectPtr>> parsed(const std::string& text) {
    return parse_static_pods({text, "", "Node1", 0, {}, "http://here/pods"});
  }
  // Their names, or what is wrong.
  static std::string names(const std::string& text) {
    Result<std::vector<ObjectPtr>> pods = parsed(text);
    if (!pods) return pods.error().message();
    std::string out;
    for (const ObjectPtr& one : *pods)
      out += std::string(core_v1::Pod(*one).metadata().name()) + " ";
    return out;
  }
};

TEST_F(UrlPods, OnePodOrAList) {
  EXPECT_EQ(names(kManifest), "web-node1 ");
  EXPECT_EQ(names(list({pod("a"), pod("b"), pod("a")})), "a-node1 b-node1 ") << "a name once";
  EXPECT_EQ(names(list({})), "");
  EXPECT_EQ(names("apiVersion: v1\nkind: PodList\nitems:\n- " + pod("y") + "\n"), "y-node1 ");
}

TEST_F(UrlPods, AreNoFilesPods) {
  Result<std::vector<ObjectPtr>> pods = parsed(kManifest);
  ASSERT_TRUE(pods && pods->size() == 1);
  core_v1::Pod one(*(*pods)[0]);
  EXPECT_EQ(one.metadata().annotations().find(kConfigSourceAnnotation), "http");
  EXPECT_TRUE(is_static_pod(one));
  EXPECT_TRUE(one.spec().tolerations().empty()) << "only a file's tolerates everything";
  EXPECT_NE(one.metadata().uid(), core_v1::Pod(**parse(kManifest)).metadata().uid());
  EXPECT_EQ(one.metadata().uid(), core_v1::Pod(*(*parsed(kManifest))[0]).metadata().uid());
}

TEST_F(UrlPods, OneBadPodSpoilsTheList) {
  EXPECT_EQ(names(list({pod("a"), R"({"metadata":{"name":"b"}})"})),
            "spec.containers: Required value");
  EXPECT_EQ(names(list({pod("a", R"("serviceAccountName":"x",)")})),
            "static pods may not reference serviceaccounts");
  EXPECT_EQ(names(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}})"),
            "invalid pod: it is of another kind");
  EXPECT_EQ(names(list(std::vector<std::string>(kMaxPodsOfUrl + 1, pod("a")))),
            "there are too many pods");
  EXPECT_EQ(names(std::string(kMaxManifestBytes + 1, ' ')), "the file is too big");
}

TEST(StaticPod, NothingOfTheApiMayBeNeeded) {
  EXPECT_EQ(volume_problem(R"("hostPath":{"path":"/"})"), "");
  EXPECT_EQ(volume_problem(R"("emptyDir":{})"), "");
  EXPECT_EQ(volume_problem(R"("persistentVolumeClaim":{"claimName":"p"})"),
            "static pods may not reference persistentvolumeclaims");
  EXPECT_EQ(volume_problem(R"("secret":{"secretName":"s"})"),
            "static pods may not reference secrets");
  EXPECT_EQ(volume_problem(R"("configMap":{"name":"s"})"),
            "static pods may not reference configmaps");
  EXPECT_EQ(volume_problem(R"("projected":{"sources":[{"serviceAccountToken":{"path":"p"}}]})"),
            "static pods may not reference serviceaccounts (via projected volumes)");
  EXPECT_EQ(spec_problem(R"("serviceAccountName":"default")"),
            "static pods may not reference serviceaccounts");
}

TEST(StaticPod, TheMirrorIsOwnedByTheNodeAndShowsTheStatus) {
  ObjectPtr pod = *parse(kManifest);
  ObjectPtr mirror = make_mirror_pod(*pod, "node1", "node-uid");
  core_v1::Pod shown(*mirror);
  EXPECT_EQ(shown.metadata().name(), "web-node1");
  EXPECT_EQ(shown.metadata().uid(), "");
  EXPECT_EQ(shown.metadata().annotations().find(kConfigMirrorAnnotation),
            core_v1::Pod(*pod).metadata().uid());
  meta_v1::OwnerReference owner = shown.metadata().owner_references()[0];
  EXPECT_EQ(owner.kind(), "Node");
  EXPECT_EQ(owner.uid(), "node-uid");
  EXPECT_TRUE(owner.controller());
  EXPECT_TRUE(is_mirror_pod(shown) && !is_static_pod(shown));
  EXPECT_TRUE(is_mirror_of(shown, core_v1::Pod(*pod)));
  EXPECT_FALSE(is_mirror_of(shown, core_v1::Pod(**parse(kManifest, "/other"))));
  EXPECT_EQ(core_v1::Pod(*with_status_of(*mirror, core_v1::Pod(*pod))).status().phase(), "Pending");
  EXPECT_EQ(core_v1::Pod(*with_mirror_status(*pod, shown)).status().phase(), "");
}

}  // namespace
}  // namespace tiphys::kubelet
