#include "kubelet/volumes/payload.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

constexpr int kDefaultMode = 0644;
constexpr int64_t kTokenSeconds = 3600;  // the API's default; spelled out by admission as 3607

class Builder {
 public:
  explicit Builder(const PayloadInput& in) : in_(in) {}

  Result<Payload> build(core_v1::Volume volume) {
    Result<void> added;
    if (volume.has_config_map()) {
      core_v1::ConfigMapVolumeSource v = volume.config_map();
      added = config_map(v.name(), v.items(), v.optional(),
                         mode_or(v.has_default_mode(), v.default_mode()));
    } else if (volume.has_secret()) {
      core_v1::SecretVolumeSource v = volume.secret();
      added = secret(v.secret_name(), v.items(), v.optional(),
                     mode_or(v.has_default_mode(), v.default_mode()));
    } else if (volume.has_downward_api()) {
      core_v1::DownwardAPIVolumeSource v = volume.downward_api();
      added = downward(v.items(), mode_or(v.has_default_mode(), v.default_mode()));
    } else if (volume.has_projected()) {
      added = projected(volume.projected());
    }
    if (!added) return added.error();
    for (const auto& [path, file] : out_) {
      Result<void> ok = check_payload_path(path);
      if (!ok) return ok.error();
    }
    return std::move(out_);
  }

 private:
  static int mode_or(bool present, int32_t mode) { return present ? mode : kDefaultMode; }

  void put(std::string_view path, std::string_view data, int mode) {
    out_[std::string(path)] = {std::string(data), mode};
  }

  Result<void> config_map(std::string_view name, ListView<core_v1::KeyToPath> items, bool optional,
                          int mode) {
    Result<core_v1::ConfigMap> map = find_config_map(*in_.fetched, name);
    if (!map && optional && map.error().is_not_found()) return {};
    if (!map) return map.error();
    if (items.empty()) {
      for (auto [key, value] : map->data()) put(key, value, mode);
      for (auto [key, value] : map->binary_data()) put(key, value, mode);
      return {};
    }
    for (core_v1::KeyToPath item : items) {
      bool text = map->data().contains(item.key());
      if (!text && !map->binary_data().contains(item.key())) {
        if (optional) continue;
        return ApiStatus::bad_request("configmap references non-existent config key: " +
                                      std::string(item.key()));
      }
      put(item.path(), text ? map->data().find(item.key()) : map->binary_data().find(item.key()),
          item.has_mode() ? item.mode() : mode);
    }
    return {};
  }

  Result<void> secret(std::string_view name, ListView<core_v1::KeyToPath> items, bool optional,
                      int mode) {
    Result<core_v1::Secret> found = find_secret(*in_.fetched, name);
    if (!found && optional && found.error().is_not_found()) return {};
    if (!found) return found.error();
    if (items.empty()) {
      for (auto [key, value] : found->data()) put(key, value, mode);
      return {};
    }
    for (core_v1::KeyToPath item : items) {
      if (!found->data().contains(item.key())) {
        if (optional) continue;
        return ApiStatus::bad_request("references non-existent secret key: " +
                                      std::string(item.key()));
      }
      put(item.path(), found->data().find(item.key()), item.has_mode() ? item.mode() : mode);
    }
    return {};
  }

  Result<void> downward(ListView<core_v1::DownwardAPIVolumeFile> items, int mode) {
    for (core_v1::DownwardAPIVolumeFile item : items) {
      Result<std::string> value;
      if (item.has_field_ref()) {
        value = field_value(in_.context, item.field_ref().field_path());
      } else {
        value = container_resource(item.resource_field_ref());
      }
      if (!value) return value.error();
      put(item.path(), *value, item.has_mode() ? item.mode() : mode);
    }
    return {};
  }

  Result<std::string> container_resource(core_v1::ResourceFieldSelector ref) {
    core_v1::Container container = find_container(in_.context.pod.spec(), ref.container_name());
    if (container.name().empty()) {
      return ApiStatus::bad_request("container " + std::string(ref.container_name()) +
                                    " not found");
    }
    return resource_value(in_.context, container, ref.resource(), ref.divisor());
  }

  // Only its owner reads a token where there is one; fsGroup adds the group.
  Result<void> token(core_v1::ServiceAccountTokenProjection source, int mode) {
    auto found = in_.tokens->find(token_key(source));
    if (found == in_.tokens->end())
      return ApiStatus::internal("failed to fetch token: no token was asked for");
    if (!found->second) return found->second.error();
    core_v1::PodSpec spec = in_.context.pod.spec();
    int64_t user = common_user(spec);
    bool restricted = user >= 0 || spec.security_context().has_fs_group();
    put(source.path(), *found->second, restricted ? 0600 : mode);
    out_[std::string(source.path())].uid = user;
    return {};
  }

  Result<void> source(core_v1::VolumeProjection source, int mode) {
    if (source.has_config_map()) {
      core_v1::ConfigMapProjection p = source.config_map();
      return config_map(p.name(), p.items(), p.optional(), mode);
    }
    if (source.has_secret()) {
      core_v1::SecretProjection p = source.secret();
      return secret(p.name(), p.items(), p.optional(), mode);
    }
    if (source.has_downward_api()) return downward(source.downward_api().items(), mode);
    if (source.has_service_account_token()) return token(source.service_account_token(), mode);
    const char* what = source.has_cluster_trust_bundle() ? "clusterTrustBundle"
                       : source.has_pod_certificate()    ? "podCertificate"
                                                         : "this kind of";
    return ApiStatus::bad_request(
        std::string(what) + " sources of projected volumes are not supported by this kubelet");
  }

  // Every source that can't be had is named, as upstream's aggregate does.
  Result<void> projected(core_v1::ProjectedVolumeSource volume) {
    int mode = mode_or(volume.has_default_mode(), volume.default_mode());
    std::vector<std::string> failures;
    for (core_v1::VolumeProjection one : volume.sources()) {
      Result<void> added = source(one, mode);
      if (added) continue;
      const std::string& message = added.error().message();
      if (std::find(failures.begin(), failures.end(), message) == failures.end()) {
        failures.push_back(message);
      }
    }
    if (failures.empty()) return {};
    if (failures.size() == 1) return ApiStatus::bad_request(failures[0]);
    return ApiStatus::bad_request("[" + join(failures, ", ") + "]");
  }

  const PayloadInput& in_;
  Payload out_;
};

}  // namespace

TokenRequestKey token_key(core_v1::ServiceAccountTokenProjection source) {
  int64_t seconds = source.has_expiration_seconds() ? source.expiration_seconds() : kTokenSeconds;
  return {std::string(source.audience()), seconds};
}

int64_t common_user(core_v1::PodSpec spec) {
  int64_t user = -1;
  bool common = true;
  auto look = [&](core_v1::Container c) {
    int64_t own = c.security_context().has_run_as_user() ? c.security_context().run_as_user()
                  : spec.security_context().has_run_as_user()
                      ? spec.security_context().run_as_user()
                      : -1;
    common = common && own >= 0 && (user < 0 || user == own);
    user = own;
  };
  for (core_v1::Container c : spec.init_containers()) look(c);
  for (core_v1::Container c : spec.containers()) look(c);
  return common ? user : -1;
}

bool has_payload(core_v1::Volume volume) {
  return volume.has_config_map() || volume.has_secret() || volume.has_downward_api() ||
         volume.has_projected();
}

Result<Payload> volume_payload(const PayloadInput& input, core_v1::Volume volume) {
  return Builder(input).build(volume);
}

Result<void> check_payload_path(std::string_view path) {
  std::string shown(path);
  if (path.empty()) return ApiStatus::bad_request("invalid path: must not be empty: ");
  if (path.size() > 4096)
    return ApiStatus::bad_request("invalid path: must be less than 4096 characters");
  if (path[0] == '/')
    return ApiStatus::bad_request("invalid path: must be relative path: " + shown);
  if (path.find('\0') != std::string_view::npos)
    return ApiStatus::bad_request("invalid path: NUL byte");
  for (std::string_view part : split(path, '/')) {
    if (part == "..")
      return ApiStatus::bad_request("invalid path: must not contain '..': " + shown);
    if (part.size() > 255)
      return ApiStatus::bad_request("invalid path: filenames must be at most 255 bytes");
    if (part.empty() || part == ".") return ApiStatus::bad_request("invalid path: " + shown);
  }
  if (path.starts_with("..")) {
    return ApiStatus::bad_request("invalid path: must not start with '..': " + shown);
  }
  return {};
}

}  // namespace tiphys::kubelet
