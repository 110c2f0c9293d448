// ServiceAccount: a pod runs as a service account that exists, with its token mounted and its image
// pull secrets. Upstream: plugin/pkg/admission/serviceaccount.
#include "apiserver/admission/mountable_secrets.h"
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "base/strings.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

using core_v1::Pod;
using core_v1::PodEdit;
using core_v1::ServiceAccount;

constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr std::string_view kEnforceAnnotation = "kubernetes.io/enforce-mountable-secrets";
constexpr std::string_view kVolumePrefix = "kube-api-access-";
constexpr std::string_view kMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kDefaultAccount = "default";
constexpr int64_t kTokenSeconds = 3607;  // extended by the server, see service_account_tokens.h
constexpr int32_t kFileMode = 0644;
// The default account of a new namespace may be on its way: wait for it a little.
constexpr int kAttempts = 20;
constexpr Duration kAttemptDelay = std::chrono::milliseconds(50);

bool is_mirror(const Pod& pod) { return pod.metadata().annotations().contains(kMirrorAnnotation); }

void fill_token_volume(core_v1::VolumeEdit volume, std::string_view name) {
  volume.set_name(name);
  auto projected = volume.edit_projected();
  projected.set_default_mode(kFileMode);
  auto token = projected.edit_sources().append().edit_service_account_token();
  token.set_expiration_seconds(kTokenSeconds);
  token.set_path("token");
  auto ca = projected.edit_sources().append().edit_config_map();
  ca.set_name("kube-root-ca.crt");
  auto item = ca.edit_items().append();
  item.set_key("ca.crt");
  item.set_path("ca.crt");
  auto file = projected.edit_sources().append().edit_downward_api().edit_items().append();
  file.set_path("namespace");
  file.edit_field_ref().set_api_version("v1");
  file.edit_field_ref().set_field_path("metadata.namespace");
}

template <class List>
bool mount_token(List containers, std::string_view volume) {
  bool mounted = false;
  for (size_t i = 0; i < containers.size(); i++) {
    auto container = containers[i];
    bool has_own = false;
    for (const auto& mount : container.view().volume_mounts()) {
      has_own = has_own || mount.mount_path() == kMountPath;
    }
    if (has_own) continue;
    auto mount = container.edit_volume_mounts().append();
    mount.set_name(volume);
    mount.set_read_only(true);
    mount.set_mount_path(kMountPath);
    mounted = true;
  }
  return mounted;
}

class ServiceAccountPlugin : public AdmissionPlugin {
 public:
  ServiceAccountPlugin(Loop& loop, const Lookup& lookup, Random& random)
      : loop_(loop), lookup_(lookup), random_(random) {}
  std::string_view name() const override { return "ServiceAccount"; }

  Task<Result<void>> mutate(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !is_create(request)) co_return Result<void>();
    Pod pod(*request.object);
    if (is_mirror(pod)) co_return check_mirror(request);
    if (pod.spec().service_account_name().empty()) {
      PodEdit(*request.object).edit_spec().set_service_account_name(kDefaultAccount);
    }
    std::string account_name(Pod(*request.object).spec().service_account_name());
    // The deprecated field is an alias: whoever reads one of them sees the account.
    PodEdit(*request.object).edit_spec().set_service_account(account_name);
    ObjectPtr account = co_await find_account(request.ns, account_name);
    if (!account) co_return denied(request, missing(request.ns, account_name));
    complete(*request.object, ServiceAccount(*account));
    co_return Result<void>();
  }

  Task<Result<void>> validate(AdmissionRequest& request) override { co_return check(request); }

 private:
  Task<ObjectPtr> find_account(std::string ns, std::string account_name) {
    int attempts = account_name == kDefaultAccount ? kAttempts : 1;
    for (int i = 1;; i++) {
      ObjectPtr account = lookup_.get("", "serviceaccounts", ns, account_name);
      if (account || i >= attempts) co_return account;
      bool slept = co_await sleep_for(loop_, kAttemptDelay);
      if (!slept) co_return nullptr;
    }
  }

  static std::string missing(const std::string& ns, const std::string& account_name) {
    return "error looking up service account " + ns + "/" + account_name + ": serviceaccount " +
           go_quote(account_name) + " not found";
  }

  void complete(Draft& draft, const ServiceAccount& account) {
    Pod pod(draft);
    bool automount = true;
    if (pod.spec().has_automount_service_account_token()) {
      automount = pod.spec().automount_service_account_token();
    } else if (account.has_automount_service_account_token()) {
      automount = account.automount_service_account_token();
    }
    if (automount) add_token(draft);
    if (Pod(draft).spec().image_pull_secrets().empty()) {
      for (const auto& secret : account.image_pull_secrets()) {
        PodEdit(draft).edit_spec().edit_image_pull_secrets().append(secret);
      }
    }
  }

  void add_token(Draft& draft) {
    std::string volume;
    for (const auto& present : Pod(draft).spec().volumes()) {
      if (volume.empty() && present.name().starts_with(kVolumePrefix)) volume = present.name();
    }
    bool has_volume = !volume.empty();
    if (!has_volume) volume = std::string(kVolumePrefix) + random_.name_suffix();
    auto spec = PodEdit(draft).edit_spec();
    bool mounted = false;
    if (!spec.view().init_containers().empty()) {
      mounted = mount_token(spec.edit_init_containers(), volume);
    }
    if (!spec.view().containers().empty()) {
      mounted = mount_token(spec.edit_containers(), volume) || mounted;
    }
    if (mounted && !has_volume) fill_token_volume(spec.edit_volumes().append(), volume);
  }

  static Result<void> check_mirror(const AdmissionRequest& request) {
    Pod pod(*request.object);
    if (!pod.spec().service_account_name().empty()) {
      return denied(request, "a mirror pod may not reference service accounts");
    }
    if (references_secrets(pod)) return denied(request, "a mirror pod may not reference secrets");
    for (const auto& volume : pod.spec().volumes()) {
      for (const auto& source : volume.projected().sources()) {
        if (source.has_service_account_token()) {
          return denied(request, "a mirror pod may not use ServiceAccountToken volume projections");
        }
      }
    }
    return {};
  }

  Result<void> check(const AdmissionRequest& request) const {
    if (request.resource->group != "" || request.resource->resource != "pods") return {};
    bool created = is_create(request) && request.subresource.empty();
    // Ephemeral containers come later, and may refer to secrets too.
    bool extended = is_update(request) && request.subresource == "ephemeralcontainers";
    if (!created && !extended) return {};
    Pod pod(*request.object);
    if (created && is_mirror(pod)) return check_mirror(request);
    std::string account_name(pod.spec().service_account_name());
    ObjectPtr object = lookup_.get("", "serviceaccounts", request.ns, account_name);
    if (!object) return denied(request, missing(request.ns, account_name));
    ServiceAccount account(*object);
    if (account.metadata().annotations().find(kEnforceAnnotation) != "true") return {};
    std::string why = find_unmountable_secret(pod, account, extended);
    if (!why.empty()) return denied(request, why);
    return {};
  }

  Loop& loop_;
  const Lookup& lookup_;
  Random& random_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_service_account(const AdmissionParts& parts) {
  return std::make_unique<ServiceAccountPlugin>(*parts.loop, *parts.lookup, *parts.random);
}

}  // namespace tiphys::apiserver
