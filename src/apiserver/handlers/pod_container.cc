#include "apiserver/handlers/pod_container.h"

#include <vector>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

template <class List>
std::vector<std::string> names_of(const List& containers) {
  std::vector<std::string> names;
  for (auto container : containers) names.emplace_back(container.name());
  return names;
}

}  // namespace

Result<std::string> choose_container(core_v1::Pod pod, std::string_view wanted) {
  std::vector<std::string> names = names_of(pod.spec().containers());
  std::vector<std::string> init_names = names_of(pod.spec().init_containers());
  std::string pod_name(pod.metadata().name());
  if (wanted.empty()) {
    if (names.size() == 1) return names.front();
    std::string text = "a container name must be specified for pod " + pod_name;
    if (names.empty()) return ApiStatus::bad_request(text);
    text += ", choose one of: [" + join(names, " ") + "]";
    if (!init_names.empty()) {
      text += " or one of the init containers: [" + join(init_names, " ") + "]";
    }
    return ApiStatus::bad_request(text);
  }
  for (const auto& list : {names, init_names, names_of(pod.spec().ephemeral_containers())}) {
    for (const std::string& name : list) {
      if (name == wanted) return name;
    }
  }
  return ApiStatus::bad_request("container " + std::string(wanted) + " is not valid for pod " +
                                pod_name);
}

}  // namespace tiphys::apiserver
