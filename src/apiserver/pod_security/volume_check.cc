// The volume types of the restricted policy.
#include <algorithm>

#include "apiserver/pod_security/checks.h"

namespace tiphys::apiserver::pod_security {
namespace {

constexpr std::string_view kAllowed[] = {"configMap", "csi",   "downwardAPI",           "emptyDir",
                                         "ephemeral", "image", "persistentVolumeClaim", "projected",
                                         "secret"};

bool is_allowed(std::string_view type) {
  return std::find(std::begin(kAllowed), std::end(kAllowed), type) != std::end(kAllowed);
}

// "" for an allowed type.
std::string restricted_type(const core_v1::Volume& volume) {
  std::string found = "unknown";
  const schema::Message& sources = core_v1::VolumeSource::message();
  for (const Value& value : volume.volume_source().node().items()) {
    std::string_view name = sources.fields[value.field].name;
    if (is_allowed(name)) return "";
    found = name;
  }
  return found;
}

}  // namespace

std::optional<Violation> restricted_volumes(const PodParts& pod) {
  Names bad;
  NameSet types;
  for (const auto& volume : pod.spec.volumes()) {
    std::string type = restricted_type(volume);
    if (type.empty()) continue;
    bad.emplace_back(volume.name());
    types.insert(type);
  }
  if (bad.empty()) return std::nullopt;
  return Violation{"restricted volume types",
                   plural(bad.size(), "volume ", "volumes ") + quoted(bad) +
                       plural(bad.size(), " uses ", " use ") +
                       plural(types.size(), "restricted volume type ", "restricted volume types ") +
                       quoted(types)};
}

}  // namespace tiphys::apiserver::pod_security
