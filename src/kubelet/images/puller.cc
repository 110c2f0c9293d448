#include "kubelet/images/puller.h"

#include "base/strings.h"
#include "kubelet/images/reference.h"

namespace tiphys::kubelet {
namespace {

ImageOutcome refused(std::string reason, std::string message) {
  ImageOutcome out;
  out.why = Why{std::move(reason), std::move(message)};
  return out;
}

}  // namespace

Task<ImageOutcome> ImagePuller::ensure(std::string image, std::string policy, std::string pod_uid,
                                       RegistryAuth auth, ObjectPtr sandbox_config, Record record,
                                       std::function<void()> fetching) {
  Result<ImageReference> reference = parse_image_reference(image);
  if (!reference) {
    std::string message =
        "Failed to apply default image tag " + go_quote(image) + ": " + reference.error().message();
    record("Warning", "InspectFailed", message);
    ImageOutcome out = refused("InvalidImageName", message);
    out.retry_at = loop_.wall() + BackOff::kFirst;
    co_return out;
  }
  std::string name = reference->text();
  Result<ImageRecord> present = co_await runtime_.image_status(name);
  if (!present) {
    std::string message =
        "Failed to inspect image " + go_quote(image) + ": " + present.error().message();
    record("Warning", "InspectFailed", message);
    co_return refused("ImageInspectError", message);
  }
  if (!present->found || policy == "Always") fetching();
  if (!present->found && policy != "Always") {
    bool imported = co_await import_new_();
    if (imported) present = co_await runtime_.image_status(name);
    if (!present) co_return refused("ImageInspectError", present.error().message());
  }
  if (present->found && policy != "Always") {
    record("Normal", "Pulled",
           "Container image " + go_quote(image) +
               " already present on machine and can be accessed by the pod");
    ImageOutcome out;
    out.image = *present;
    out.requested = name;
    co_return out;
  }
  if (policy == "Never") {
    std::string message =
        "Container image " + go_quote(image) + " is not present with pull policy of Never";
    record("Warning", "ErrImageNeverPull", message);
    ImageOutcome out = refused("ErrImageNeverPull", message);
    out.retry_at = loop_.wall() + BackOff::kFirst;
    co_return out;
  }
  co_return co_await pull(name, pod_uid + "_" + image, auth, sandbox_config, record);
}

Task<ImageOutcome> ImagePuller::pull(std::string name, std::string key, RegistryAuth auth,
                                     ObjectPtr sandbox_config, Record record) {
  std::string shown = key.substr(key.find('_') + 1);
  auto failed = failed_at_.find(key);
  if (failed != failed_at_.end()) {
    MicroTime at = back_off_.allowed_at(key, failed->second, loop_.wall());
    if (at != 0) {
      std::string message = "Back-off pulling image " + go_quote(shown);
      record("Normal", "BackOff", message);
      ImageOutcome out = refused("ImagePullBackOff", message + ": ErrImagePull: " + errors_[key]);
      out.retry_at = at;
      co_return out;
    }
  }
  MonoTime asked = loop_.mono();
  while (pulling_.contains(name)) {
    idle_.reset();
    (void)co_await idle_.wait();
  }
  pulling_.insert(name);
  record("Normal", "Pulling", "Pulling image " + go_quote(shown));
  MonoTime start = loop_.mono();
  Result<std::string> id = co_await runtime_.pull_image(name, auth, sandbox_config);
  pulling_.erase(name);
  idle_.set();
  Result<ImageRecord> present = ApiStatus::internal("not pulled");
  if (id) present = co_await runtime_.image_status(name);
  if (!id || !present || !present->found) {
    std::string why = id ? "image is gone after the pull" : id.error().message();
    failed_at_[key] = loop_.wall();
    errors_[key] = why;
    back_off_.next(key, loop_.wall());
    record("Warning", "Failed", "Failed to pull image " + go_quote(shown) + ": " + why);
    ImageOutcome out = refused("ErrImagePull", why);
    out.retry_at = loop_.wall() + back_off_.delay(key);
    co_return out;
  }
  if (pulled_) pulled_(loop_.mono() - asked, present->size_bytes);
  back_off_.forget(key);
  failed_at_.erase(key);
  errors_.erase(key);
  record("Normal", "Pulled",
         "Successfully pulled image " + go_quote(shown) + " in " +
             format_go_duration((loop_.mono() - start) / 1'000'000 * 1'000'000) +
             ". Image size: " + std::to_string(present->size_bytes) + " bytes.");
  ImageOutcome out;
  out.image = *present;
  out.requested = name;
  co_return out;
}

void ImagePuller::forget_pod(const std::string& pod_uid) {
  std::string prefix = pod_uid + "_";
  for (auto at = failed_at_.lower_bound(prefix); at != failed_at_.end();) {
    if (!at->first.starts_with(prefix)) break;
    back_off_.forget(at->first);
    errors_.erase(at->first);
    at = failed_at_.erase(at);
  }
}

}  // namespace tiphys::kubelet
