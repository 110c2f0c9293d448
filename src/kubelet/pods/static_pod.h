// Static pods: pods of this node from files or a URL, and their mirrors in the API. Pure. After
// upstream's pkg/kubelet/config (common.go, file.go, http.go) and pkg/kubelet/pod.
//
// A static pod's uid is a hash of its manifest, node and file (or its URL), so that a changed file
// is another pod. Its mirror is what the API shows of it: the same names, a uid of its own, and the
// hash as an annotation.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

inline constexpr std::string_view kConfigHashAnnotation = "kubernetes.io/config.hash";
inline constexpr std::string_view kConfigSeenAnnotation = "kubernetes.io/config.seen";
inline constexpr std::string_view kConfigMirrorAnnotation = "kubernetes.io/config.mirror";
// What the annotation says of where static pods come from.
inline constexpr std::string_view kFileSource = "file";
inline constexpr std::string_view kUrlSource = "http";
inline constexpr size_t kMaxManifestBytes = 10 * 1024 * 1024;

// The API's validation of a new pod. Error: what is wrong with it.
using PodCheck = std::function<Result<void>(const Object& pod)>;

inline constexpr size_t kMaxPodsOfUrl = 1000;

struct StaticPodInput {
  std::string text;  // JSON or YAML
  std::string file;
  std::string node_name;
  MicroTime now = 0;
  PodCheck check;        // none: only what a kubelet can't do without
  std::string_view url;  // not "": where the text is from, instead of a file
};
// Errors: it isn't one Pod, it is invalid, "static pods may not reference secrets".
Result<ObjectPtr> parse_static_pod(const StaticPodInput& input);
// A Pod or a PodList. Of two of one name the first. Errors: one of them is not as it should be,
// there are more than kMaxPodsOfUrl.
Result<std::vector<ObjectPtr>> parse_static_pods(const StaticPodInput& input);

bool is_static_pod(core_v1::Pod pod);
// A pod of the API is no static one, whatever its annotations say.
ObjectPtr as_api_pod(ObjectPtr pod);
bool is_mirror_pod(core_v1::Pod pod);
bool is_mirror_of(core_v1::Pod mirror, core_v1::Pod pod);
// What is created in the API; the node owns it.
ObjectPtr make_mirror_pod(const Object& pod, std::string_view node_name, std::string_view node_uid);
// The mirror with the pod's status.
ObjectPtr with_status_of(const Object& mirror, core_v1::Pod pod);
// The pod with its mirror's status: what it was before this process started.
ObjectPtr with_mirror_status(const Object& pod, core_v1::Pod mirror);

}  // namespace tiphys::kubelet
