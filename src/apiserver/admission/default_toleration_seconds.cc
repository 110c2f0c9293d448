// DefaultTolerationSeconds: pods stay on a node that is not ready or unreachable for five minutes.
// Upstream: plugin/pkg/admission/defaulttolerationseconds.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";
constexpr std::string_view kUnreachable = "node.kubernetes.io/unreachable";
constexpr std::string_view kNoExecute = "NoExecute";
constexpr int64_t kSeconds = 300;

bool tolerates_key(const core_v1::PodSpec& spec, std::string_view key) {
  for (const auto& toleration : spec.tolerations()) {
    bool effect = toleration.effect() == kNoExecute || toleration.effect().empty();
    if (effect && (toleration.key() == key || toleration.key().empty())) return true;
  }
  return false;
}

class DefaultTolerationSeconds : public PlainPlugin {
 public:
  std::string_view name() const override { return "DefaultTolerationSeconds"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    bool write = is_create(request) || is_update(request);
    if (!is_for(request, "", "pods") || !write) return {};
    // Both are decided on what the client sent.
    core_v1::PodSpec spec = core_v1::Pod(*request.object).spec();
    bool add_not_ready = !tolerates_key(spec, kNotReady);
    bool add_unreachable = !tolerates_key(spec, kUnreachable);
    if (add_not_ready) add(*request.object, kNotReady);
    if (add_unreachable) add(*request.object, kUnreachable);
    return {};
  }

 private:
  static void add(Draft& pod, std::string_view key) {
    auto toleration = core_v1::PodEdit(pod).edit_spec().edit_tolerations().append();
    toleration.set_key(key);
    toleration.set_operator("Exists");
    toleration.set_effect(kNoExecute);
    toleration.set_toleration_seconds(kSeconds);
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_toleration_seconds(const AdmissionParts&) {
  return std::make_unique<DefaultTolerationSeconds>();
}

}  // namespace tiphys::apiserver
