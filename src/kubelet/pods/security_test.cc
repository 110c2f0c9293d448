#include "kubelet/pods/security.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

// Why a container of this spec can't be made of an image with this USER; "" if it can.
std::string refusal(const std::string& spec, int64_t image_uid,
                    const std::string& image_user = "") {
  ObjectPtr pod = pod_of(spec);
  ContainerInput input;
  input.pod = core_v1::Pod(*pod);
  input.container = input.pod.spec().containers()[0];
  input.image_uid = image_uid;
  input.image_user = image_user;
  Result<ObjectPtr> made = container_config(input);
  return made ? "" : made.error().message();
}

std::string spec_with(const std::string& pod, const std::string& container) {
  return "{\"securityContext\":" + pod +
         ",\"containers\":[{\"name\":\"a\",\"securityContext\":" + container + "}]}";
}

// What the image says of its user is asked for at each start (PodWorker forgets the image once it
// used it) and checked each time, also when nothing had to be pulled.
TEST(Security, cve_2019_11245_run_as_non_root_is_checked_at_every_start) {
  std::string non_root = spec_with("{\"runAsNonRoot\":true}", "{}");
  for (int start = 0; start < 2; ++start) {
    EXPECT_EQ(refusal(non_root, 0),
              "container has runAsNonRoot and image will run as root (pod: \"p_default(u)\", "
              "container: a)");
    EXPECT_EQ(refusal(non_root, 1000), "");
    EXPECT_NE(refusal(non_root, -1), "") << "an image without USER runs as root";
    EXPECT_EQ(refusal(non_root, -1, "web"),
              "container has runAsNonRoot and image has non-numeric user (web), cannot verify user "
              "is non-root (pod: \"p_default(u)\", container: a)");
    EXPECT_NE(refusal(spec_with("{\"runAsNonRoot\":true}", "{\"runAsUser\":0}"), 1000), "");
    EXPECT_EQ(refusal(spec_with("{\"runAsNonRoot\":true}", "{\"runAsUser\":7}"), 0), "");
    EXPECT_EQ(refusal(spec_with("{\"runAsNonRoot\":true}", "{\"runAsNonRoot\":false}"), 0), "");
  }
}

TEST(Security, cve_2023_2431_a_local_seccomp_profile_without_a_name_is_refused) {
  std::string why = "localhostProfile must be set if seccompProfile type is Localhost.";
  for (const char* profile :
       {"{\"type\":\"Localhost\"}", "{\"type\":\"Localhost\",\"localhostProfile\":\"\"}"}) {
    std::string context = std::string("{\"seccompProfile\":") + profile + "}";
    EXPECT_EQ(refusal(spec_with(context, "{}"), 0), why);
    EXPECT_EQ(refusal(spec_with("{}", context), 0), why);
  }
  EXPECT_EQ(refusal(spec_with("{}",
                              "{\"seccompProfile\":{\"type\":\"Localhost\","
                              "\"localhostProfile\":\"a.json\"}}"),
                    0),
            "");
}

}  // namespace
}  // namespace tiphys::kubelet
