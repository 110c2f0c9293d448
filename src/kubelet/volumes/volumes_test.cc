#include "kubelet/volumes/volumes.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/strings.h"
#include "kubelet/pods/test_objects.h"
#include "kubelet/volumes/container_mounts.h"
#include "kubelet/volumes/empty_dir.h"
#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/nested_mounts.h"
#include "kubelet/volumes/storage_limits.h"
#include "os/attributes.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

class VolumesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/volumes_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { (void)os::remove_tree(folder_); }
  std::string set_up(const std::string& volume) {
    VolumeInput input;
    input.pod = pod_of(
        "{\"initContainers\":[{\"name\":\"i\",\"volumeMounts\":[{\"name\":\"v\"},{\"name\":\"w\"}]}"
        "],"
        "\"containers\":[{\"name\":\"c\",\"volumeMounts\":[{\"name\":\"a\"},{\"name\":\"b\"},{"
        "\"name\":\"d\"},"
        "{\"name\":\"e\"}],\"volumeDevices\":[{\"name\":\"c\"}]}],\"volumes\":[" +
        volume + "]}");
    input.pod_folder = folder_ + "/pod";
    VolumesDone done = set_up_volumes(input);
    return join(done.failures, "\n");
  }
  std::string folder_;
};

// No git is run for a pod: neither hooks of a repository nor paths of the host come into play.
TEST_F(VolumesTest, cve_2024_10220_and_2025_1767_git_repositories_are_refused) {
  for (const char* repository : {"https://example.com/a.git", "/etc", "file:///etc", "--help"}) {
    EXPECT_EQ(
        set_up(std::string("{\"name\":\"v\",\"gitRepo\":{\"directory\":\"x/.git\","
                           "\"repository\":\"") +
               repository + "\"}}"),
        "MountVolume.SetUp failed for volume \"v\" : git-repo volume plugin has been disabled");
  }
  EXPECT_TRUE(os::list_dir(folder_ + "/pod/volumes")->empty());
}

// A pod that fills its volume with links into the host: they go, what they point to stays.
TEST_F(VolumesTest, cve_2017_1002102_tearing_down_follows_no_link) {
  ASSERT_EQ(set_up("{\"name\":\"v\",\"emptyDir\":{}}"), "");
  std::string volume = folder_ + "/pod/volumes/kubernetes.io~empty-dir/v";
  ASSERT_TRUE(os::make_dirs(folder_ + "/host/sub"));
  ASSERT_TRUE(os::write_file(folder_ + "/host/sub/file", "x"));
  ASSERT_TRUE(os::make_symlink(folder_ + "/host", volume + "/link"));
  ASSERT_TRUE(os::make_dirs(volume + "/deep"));
  ASSERT_TRUE(os::make_symlink("../../../../../../host/sub", volume + "/deep/up"));
  ASSERT_TRUE(tear_down_pod_folder(folder_ + "/pod"));
  EXPECT_FALSE(os::exists(folder_ + "/pod"));
  EXPECT_TRUE(os::exists(folder_ + "/host/sub/file"));
}

TEST_F(VolumesTest, OneThatFailsHoldsBackNoOther) {
  EXPECT_EQ(
      set_up("{\"name\":\"a\",\"configMap\":{\"name\":\"none\"}},{\"name\":\"b\",\"emptyDir\":{}},"
             "{\"name\":\"c\",\"persistentVolumeClaim\":{\"claimName\":\"x\"}},"
             "{\"name\":\"d\",\"nfs\":{\"server\":\"s\",\"path\":\"/\"}},"
             "{\"name\":\"e\",\"csi\":{\"driver\":\"example.com\"}}"),
      "MountVolume.SetUp failed for volume \"a\" : configmap \"none\" not found\n"
      "MountVolume.SetUp failed for volume \"e\" : kubernetes.io/csi: mounter.SetUpAt failed to "
      "get CSI client: driver name example.com not found in the list of registered CSI "
      "drivers\n"
      "Unable to attach or mount volumes: unmounted volumes=[c d], unattached volumes=[], "
      "failed to process volumes=[c d]: error processing PVC default/x: PersistentVolumeClaims "
      "are not supported by this kubelet yet; nfs volumes are not supported by this kubelet");
  EXPECT_TRUE(os::is_directory(empty_dir_path(folder_ + "/pod", "b")));
  EXPECT_EQ(set_up("{\"name\":\"unused\",\"persistentVolumeClaim\":{\"claimName\":\"x\"}}"), "");
}

TEST_F(VolumesTest, AnEmptyDirIsThePodsOnceItIsThere) {
  std::string path = empty_dir_path(folder_ + "/pod", "v");
  ASSERT_EQ(set_up("{\"name\":\"v\",\"emptyDir\":{}}"), "");
  ASSERT_TRUE(os::change_mode(path, 0700));
  ASSERT_EQ(set_up("{\"name\":\"v\",\"emptyDir\":{}}"), "");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  ASSERT_TRUE(os::remove_tree(path));  // by somebody's hand
  ASSERT_EQ(set_up("{\"name\":\"v\",\"emptyDir\":{}}"), "");
  EXPECT_TRUE(os::is_directory(path));
  EXPECT_EQ(set_up("{\"name\":\"w\",\"emptyDir\":{\"medium\":\"Paper\"}}"),
            "MountVolume.SetUp failed for volume \"w\" : unknown storage medium \"Paper\"");
}

core_v1::Volume first_volume(const ObjectPtr& pod) {
  return core_v1::Pod(*pod).spec().volumes()[0];
}

TEST(EmptyDir, MemoryIsWhatTheLeastOfAllAllows) {
  auto bytes = [](const std::string& limit, const std::string& size, const std::string& node) {
    ObjectPtr pod = pod_of("{\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{" + limit +
                           "}}}],\"volumes\":[{\"name\":\"v\",\"emptyDir\":{" + size + "}}]}");
    return memory_volume_bytes(core_v1::Pod(*pod), first_volume(pod), {{"memory", node}});
  };
  EXPECT_EQ(bytes("", "", "1Gi"), 1 << 30);
  EXPECT_EQ(bytes("\"memory\":\"64Mi\"", "", "1Gi"), 64 << 20);
  EXPECT_EQ(bytes("\"memory\":\"64Mi\"", "\"sizeLimit\":\"8Mi\"", "1Gi"), 8 << 20);
  EXPECT_EQ(bytes("\"memory\":\"64Mi\"", "\"sizeLimit\":\"2Gi\"", "1Gi"), 64 << 20);
  EXPECT_EQ(bytes("", "\"sizeLimit\":\"2Gi\"", "1Gi"), 1 << 30);
}

TEST(EmptyDir, HugePagesMustBeAskedFor) {
  auto pages = [](const std::string& requests, const char* medium) -> std::string {
    ObjectPtr pod = pod_of("{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{" +
                           requests + "}}}]}");
    Result<int64_t> size = huge_page_bytes(core_v1::Pod(*pod), medium);
    return size ? std::to_string(*size) : size.error().message();
  };
  std::string two = "\"hugepages-2Mi\":\"4Mi\"";
  std::string both = two + ",\"hugepages-1Gi\":\"1Gi\"";
  EXPECT_EQ(pages(two, "HugePages"), "2097152");
  EXPECT_EQ(pages(both, "HugePages-1Gi"), "1073741824");
  EXPECT_EQ(pages(both, "HugePages"),
            "medium: HugePages can't be used if container requests multiple huge page sizes");
  EXPECT_EQ(
      pages(two, "HugePages-1Gi"),
      "medium HugePages-1Gi: hugePages storage requested, but there is no resource request for "
      "huge pages");
}

TEST(StorageLimits, OnlyWhatIsOnDiskAndNotCritical) {
  const char* rest =
      "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"ephemeral-storage\":\"2Mi\"}}},"
      "{\"name\":\"b\",\"resources\":{\"limits\":{\"ephemeral-storage\":\"3Mi\"}}}],"
      "\"volumes\":[{\"name\":\"v\",\"emptyDir\":{\"sizeLimit\":\"1Mi\"}},{\"name\":\"w\","
      "\"emptyDir\":{}},"
      "{\"name\":\"m\",\"emptyDir\":{\"medium\":\"Memory\",\"sizeLimit\":\"1Mi\"}}]}";
  ObjectPtr limited = pod_of(std::string("{") + rest);
  ObjectPtr critical = pod_of(std::string("{\"priority\":2000000000,") + rest);
  ObjectPtr free = pod_of("{\"containers\":[{\"name\":\"a\"}]}");
  std::vector<PodStorage> all = storage_limits({limited, critical, free});
  ASSERT_EQ(all.size(), 1u);
  const PodStorage& limits = all[0];
  EXPECT_EQ(limits.log_folder, "default_p_u");
  ASSERT_EQ(limits.volumes.size(), 1u);
  EXPECT_EQ(limits.volumes.at("v").bytes, 1 << 20);
  constexpr int64_t kMi = 1 << 20;
  EXPECT_EQ(storage_excess(limits, {{{"v", kMi}}, {{"a", 2 * kMi}, {"b", 0}}, 3 * kMi}), "");
  EXPECT_EQ(storage_excess(limits, {{{"v", kMi + 1}}, {}, 0}),
            "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". ");
  EXPECT_EQ(storage_excess(limits, {{}, {{"a", 2 * kMi}, {"b", kMi}}, 2 * kMi + 1}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. ");
  EXPECT_EQ(storage_excess(limits, {{}, {{"a", 2 * kMi + 1}, {"b", kMi}}, 0}),
            "Container a exceeded its local ephemeral storage limit \"2Mi\". ");
}

TEST(References, WhatWasNotAskedForIsNotCovered) {
  Fetched fetched;
  fetched.config_maps.emplace("a", ApiStatus(404, "NotFound", "no"));
  References references;
  references.config_maps = {"a"};
  EXPECT_TRUE(covers(fetched, references)) << "absent is an answer";
  references.secrets = {"a"};
  EXPECT_FALSE(covers(fetched, references));
}

TEST(Payload, ATokenBelongsToTheUserThatAllContainersAre) {
  auto user = [](const std::string& spec) {
    ObjectPtr pod = pod_of(spec);
    return common_user(core_v1::Pod(*pod).spec());
  };
  EXPECT_EQ(user("{\"containers\":[{\"name\":\"a\"}]}"), -1);
  EXPECT_EQ(user("{\"securityContext\":{\"runAsUser\":5},\"containers\":[{\"name\":\"a\"}]}"), 5);
  EXPECT_EQ(
      user(
          "{\"securityContext\":{\"runAsUser\":5},\"containers\":[{\"name\":\"a\"},{\"name\":\"b\","
          "\"securityContext\":{\"runAsUser\":6}}]}"),
      -1);
  EXPECT_EQ(user("{\"containers\":[{\"name\":\"a\",\"securityContext\":{\"runAsUser\":6}},{"
                 "\"name\":\"b\"}]}"),
            -1);
}

std::string projected_of(const std::string& sources, const std::string& more = "") {
  ObjectPtr pod =
      pod_of("{" + more +
             "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"cpu\":\"1500m\"}}}],"
             "\"volumes\":[{\"name\":\"v\",\"projected\":{\"defaultMode\":292,\"sources\":[" +
             sources + "]}}]}");
  Fetched fetched;
  Tokens tokens;
  tokens.emplace(TokenRequestKey{"x", 600}, std::string("for x"));
  tokens.emplace(TokenRequestKey{"", 3600}, ApiStatus::internal("failed to fetch token: none"));
  PayloadInput input{{core_v1::Pod(*pod), {}, {}, {{"memory", "2Gi"}}}, &fetched, &tokens};
  Result<Payload> payload = volume_payload(input, first_volume(pod));
  if (!payload) return payload.error().message();
  std::vector<std::string> out;
  for (const auto& [path, file] : *payload) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%o", static_cast<unsigned>(file.mode));
    out.push_back(path + "=" + file.data + " " + mode +
                  (file.uid >= 0 ? " of " + std::to_string(file.uid) : ""));
  }
  return join(out, "; ");
}

TEST(Payload, ProjectedSourcesAndWhatFailsOfThem) {
  std::string token =
      "{\"serviceAccountToken\":{\"path\":\"t\",\"audience\":\"x\",\"expirationSeconds\":600}}";
  std::string amounts =
      "{\"downwardAPI\":{\"items\":[{\"path\":\"cpu\",\"resourceFieldRef\":{\"containerName\":"
      "\"a\",\"resource\":\"limits.cpu\"}},"
      "{\"path\":\"milli\",\"resourceFieldRef\":{\"containerName\":\"a\",\"resource\":\"limits."
      "cpu\",\"divisor\":\"1m\"}},"
      "{\"path\":\"mem\",\"mode\":256,\"resourceFieldRef\":{\"containerName\":\"a\",\"resource\":"
      "\"limits.memory\",\"divisor\":\"1Mi\"}}]}}";
  EXPECT_EQ(projected_of(token + "," + amounts),
            "cpu=2 444; mem=2048 400; milli=1500 444; t=for x 444");
  EXPECT_EQ(projected_of(token, "\"securityContext\":{\"fsGroup\":7},"), "t=for x 600");
  EXPECT_EQ(projected_of(token, "\"securityContext\":{\"runAsUser\":7},"), "t=for x 600 of 7");
  EXPECT_EQ(projected_of(
                "{\"serviceAccountToken\":{\"path\":\"t\"}},{\"secret\":{\"name\":\"s\"}},"
                "{\"configMap\":{\"name\":\"m\",\"optional\":true}},{\"secret\":{\"name\":\"s\"}}"),
            "[failed to fetch token: none, secret \"s\" not found]");
  EXPECT_EQ(projected_of("{\"clusterTrustBundle\":{\"path\":\"ca\"}}"),
            "clusterTrustBundle sources of projected volumes are not supported by this kubelet");
  EXPECT_EQ(projected_of("{\"podCertificate\":{\"signerName\":\"s/s\"}}"),
            "podCertificate sources of projected volumes are not supported by this kubelet");
}

class HostPathTest : public VolumesTest {
 protected:
  std::string check(const std::string& name, const char* type) {
    Result<void> done = check_host_path(folder_ + "/" + name, type);
    return done ? ""
                : done.error().message().substr(done.error().message().rfind(folder_) +
                                                folder_.size());
  }
};

TEST_F(HostPathTest, TypesAreWhatTheHostHas) {
  ASSERT_TRUE(os::make_dirs(folder_ + "/dir"));
  ASSERT_TRUE(os::write_file(folder_ + "/file", ""));
  ASSERT_TRUE(os::make_symlink("dir", folder_ + "/link"));
  for (const char* name : {"dir", "link", "made/here"})
    EXPECT_EQ(check(name, "DirectoryOrCreate"), "");
  EXPECT_TRUE(os::is_directory(folder_ + "/made/here"));
  EXPECT_EQ(check("new", "FileOrCreate"), "");
  EXPECT_TRUE(os::exists(folder_ + "/new"));
  EXPECT_EQ(check("none/new", "FileOrCreate"), "/none/new: No such file or directory");
  EXPECT_EQ(check("file", "File"), "");
  EXPECT_EQ(check("file", "DirectoryOrCreate"), "/file is not a directory");
  EXPECT_EQ(check("none", "Directory"), "/none is not a directory");
  EXPECT_EQ(check("dir", "File"), "/dir is not a file");
  EXPECT_EQ(check("dir", "FileOrCreate"), "/dir is not a file");
  EXPECT_EQ(check("file", "Socket"), "/file is not a socket file");
  EXPECT_EQ(check("file", "CharDevice"), "/file is not a character device");
  EXPECT_EQ(check("none", "BlockDevice"), "/none is not a block device");
  EXPECT_TRUE(check_host_path("/dev/null", "CharDevice"));
  EXPECT_EQ(check_host_path("/dev/null", "Paper").error().message(),
            "Paper is an invalid volume type");
  EXPECT_EQ(check_host_path("/a/../b", "File").error().message(),
            "invalid HostPath `/a/../b`: must not contain '..'");
}

TEST(NestedMounts, OnlyTheFirstOfEachBranchIsMade) {
  auto points = [](const char* mounts) {
    ObjectPtr pod = pod_of(std::string("{\"containers\":[{\"name\":\"a\",\"volumeMounts\":[") +
                           mounts + "]}]}");
    Result<std::set<std::string>> found = nested_mount_points(core_v1::Pod(*pod).spec(), "v");
    std::vector<std::string> out;
    if (found) out.assign(found->begin(), found->end());
    return found ? join(out, " ") : found.error().message();
  };
  EXPECT_EQ(
      points(
          "{\"name\":\"v\",\"mountPath\":\"/d\"},{\"name\":\"x\",\"mountPath\":\"/d/n\"},"
          "{\"name\":\"x\",\"mountPath\":\"/d/n-y\"},{\"name\":\"x\",\"mountPath\":\"/d/n/deep\"},"
          "{\"name\":\"x\",\"mountPath\":\"/d2\"},{\"name\":\"x\",\"mountPath\":\"/d/m//o/\"}"),
      "m/o n n-y");
  EXPECT_EQ(
      points("{\"name\":\"v\",\"mountPath\":\"/d\"},{\"name\":\"x\",\"mountPath\":\"/d/../e\"}"),
      "");
  EXPECT_EQ(points("{\"name\":\"v\",\"mountPath\":\"../d\"}"),
            "invalid container mount point ../d");
}

TEST(ContainerMounts, ModesAndSubPathsThatCantBeAreRefused) {
  auto refusal = [](const std::string& mount, const std::string& more = "") {
    ObjectPtr pod = pod_of(
        "{\"containers\":[{\"name\":\"a\",\"volumeMounts\":[{\"name\":\"v\","
        "\"mountPath\":\"/v\"," +
        mount + "}]" + more + "}],\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}");
    MountInput input;
    input.pod = core_v1::Pod(*pod);
    input.container = input.pod.spec().containers()[0];
    input.volumes = {{"v", "/nonexistent"}};
    input.variables = {{"EMPTY", ""}};
    auto done = resolve_mounts(input);
    return done ? "" : done.error().message();
  };
  EXPECT_EQ(refusal("\"readOnly\":true,\"recursiveReadOnly\":\"IfPossible\""), "");
  EXPECT_EQ(
      refusal("\"readOnly\":true,\"recursiveReadOnly\":\"Enabled\""),
      "failed to resolve recursive read-only mode: volume \"v\" requested recursive read-only "
      "mode, but it is not supported by the runtime");
  EXPECT_EQ(refusal("\"mountPropagation\":\"Up\""), "invalid MountPropagation mode: \"Up\"");
  EXPECT_EQ(refusal("\"subPath\":\"/etc\""), "error SubPath `/etc` must not be an absolute path");
  EXPECT_EQ(refusal("\"subPath\":\"a/../..\""),
            "unable to provision SubPath `a/../..`: must not contain '..'");
  EXPECT_EQ(refusal("\"subPathExpr\":\"$(X)/$(EMPTY)\""), "missing value for EMPTY, X");
  EXPECT_EQ(refusal("\"subPath\":\"a\""),
            "failed to prepare subPath for volumeMount \"v\" of container \"a\"");
  EXPECT_EQ(refusal("\"readOnly\":true",
                    ",\"volumeDevices\":[{\"name\":\"b\",\"devicePath\":\"/dev/b\"}]"),
            "cannot find volume \"b\" to pass into container \"a\"");
}

}  // namespace
}  // namespace tiphys::kubelet
