#include "apiserver/validation/volume.h"

#include "apiserver/validation/names.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kHostPathTypes[] = {
    "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
    "File", "FileOrCreate", "Socket"};

void validate_local_path(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  if (text.starts_with("/")) errors.invalid(path, text, "must be a relative path");
  for (std::string_view part : split(text, '/')) {
    if (part == "..") {
      errors.invalid(path, text, "must not contain '..'");
      break;
    }
  }
  if (text.starts_with("..") && !text.starts_with("../") && text != "..") {
    errors.invalid(path, text, "must not start with '..'");
  }
}

void validate_items(const ListView<core_v1::KeyToPath>& items, const FieldPath& path,
                    FieldErrors& errors) {
  for (size_t i = 0; i < items.size(); ++i) {
    FieldPath at = path.index(i);
    if (items[i].key().empty()) errors.required(at.child("key"));
    if (items[i].path().empty()) errors.required(at.child("path"));
    validate_local_path(items[i].path(), at.child("path"), errors);
    if (items[i].has_mode() && (items[i].mode() < 0 || items[i].mode() > 0777)) {
      errors.invalid(at.child("mode"), items[i].mode(),
                     "must be a number between 0 and 0777 (octal), both inclusive");
    }
  }
}

void validate_mode(bool present, int32_t mode, const FieldPath& path, FieldErrors& errors) {
  if (present && (mode < 0 || mode > 0777)) {
    errors.invalid(path.child("defaultMode"), mode,
                   "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void validate_host_path(core_v1::HostPathVolumeSource source, const FieldPath& path,
                        FieldErrors& errors) {
  if (source.path().empty()) {
    errors.required(path.child("path"));
    return;
  }
  for (std::string_view part : split(source.path(), '/')) {
    if (part == "..") {
      errors.invalid(path.child("path"), source.path(), "must not contain '..'");
      break;
    }
  }
  if (!std::ranges::count(kHostPathTypes, source.type())) {
    errors.not_supported(path.child("type"), source.type(), kHostPathTypes);
  }
}

void validate_source(core_v1::Volume volume, const FieldPath& path, FieldErrors& errors) {
  if (volume.has_host_path()) {
    validate_host_path(volume.host_path(), path.child("hostPath"), errors);
  }
  if (volume.has_config_map()) {
    FieldPath at = path.child("configMap");
    core_v1::ConfigMapVolumeSource source = volume.config_map();
    if (source.name().empty()) errors.required(at.child("name"));
    validate_mode(source.has_default_mode(), source.default_mode(), at, errors);
    validate_items(source.items(), at.child("items"), errors);
  }
  if (volume.has_secret()) {
    FieldPath at = path.child("secret");
    core_v1::SecretVolumeSource source = volume.secret();
    if (source.secret_name().empty()) errors.required(at.child("secretName"));
    validate_mode(source.has_default_mode(), source.default_mode(), at, errors);
    validate_items(source.items(), at.child("items"), errors);
  }
  if (volume.has_persistent_volume_claim() &&
      volume.persistent_volume_claim().claim_name().empty()) {
    errors.required(path.child("persistentVolumeClaim").child("claimName"));
  }
  if (volume.has_git_repo()) {
    errors.forbidden(path.child("gitRepo"), "gitRepo volumes are not supported (CVE-2024-10220)");
  }
}

}  // namespace

std::set<std::string_view> validate_volumes(const ListView<core_v1::Volume>& volumes,
                                            const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < volumes.size(); ++i) {
    core_v1::Volume volume = volumes[i];
    FieldPath at = path.index(i);
    // An inlined volumeSource holds the one source; how many are set is its number of fields.
    size_t sources = volume.volume_source().node().size;
    if (sources == 0) errors.required(at, "must specify a volume type");
    if (sources > 1) errors.forbidden(at, "may not specify more than 1 volume type");
    validate_source(volume, at, errors);
    if (volume.name().empty()) {
      errors.required(at.child("name"));
    } else {
      for (const std::string& message : check_dns1123_label(volume.name())) {
        errors.invalid(at.child("name"), volume.name(), message);
      }
      if (!names.insert(volume.name()).second) errors.duplicate(at.child("name"), volume.name());
    }
  }
  return names;
}

}  // namespace tiphys::apiserver
