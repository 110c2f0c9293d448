// Priority: pods get the number of their priority class; one class at most is the default.
// Upstream: plugin/pkg/admission/priority.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"
#include "kinds/scheduling_v1.h"

namespace tiphys::apiserver {
namespace {

using scheduling_v1::PriorityClass;

constexpr std::string_view kGroup = "scheduling.k8s.io";
constexpr std::string_view kPreempt = "PreemptLowerPriority";

struct Computed {
  std::string class_name;
  int32_t value = 0;
  std::string policy{kPreempt};
};

class Priority : public PlainPlugin {
 public:
  explicit Priority(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "Priority"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods")) return {};
    if (is_create(request)) return complete(request);
    if (is_update(request)) keep(request);
    return {};
  }

  Result<void> check(const AdmissionRequest& request) override {
    bool write = is_create(request) || is_update(request);
    if (!is_for(request, kGroup, "priorityclasses") || !write) return {};
    PriorityClass wanted(*request.object);
    if (!wanted.global_default()) return {};
    auto present = find_default();
    if (!present) return {};
    std::string_view name = PriorityClass(*present).metadata().name();
    // Making the default one the default again is no second one.
    if (is_update(request) && name == wanted.metadata().name()) return {};
    return denied(request, "PriorityClass " + std::string(name) +
                               " is already marked as default. Only one default can exist");
  }

 private:
  // Of several (an old cluster's) the one with the lowest value.
  ObjectPtr find_default() const {
    ObjectPtr found;
    for (const ObjectPtr& object : lookup_.list(kGroup, "priorityclasses", "")) {
      PriorityClass candidate(*object);
      if (!candidate.global_default()) continue;
      if (!found || candidate.value() < PriorityClass(*found).value()) found = object;
    }
    return found;
  }

  static Computed of(const PriorityClass& object) {
    Computed computed{std::string(object.metadata().name()), object.value(), std::string(kPreempt)};
    if (!object.preemption_policy().empty()) computed.policy = object.preemption_policy();
    return computed;
  }

  Result<void> complete(AdmissionRequest& request) const {
    core_v1::PodSpec spec = core_v1::Pod(*request.object).spec();
    Computed computed;
    if (!spec.priority_class_name().empty()) {
      ObjectPtr object = lookup_.get(kGroup, "priorityclasses", "", spec.priority_class_name());
      if (!object) {
        return denied(request, "no PriorityClass with name " +
                                   std::string(spec.priority_class_name()) + " was found");
      }
      computed = of(PriorityClass(*object));
    } else if (ObjectPtr object = find_default()) {
      computed = of(PriorityClass(*object));
    }
    if (spec.has_priority() && spec.priority() != computed.value) {
      return denied(request, "the integer value of priority (" + std::to_string(spec.priority()) +
                                 ") must not be provided in pod spec; priority admission "
                                 "controller computed " +
                                 std::to_string(computed.value) +
                                 " from the given PriorityClass name");
    }
    if (spec.has_preemption_policy() && spec.preemption_policy() != computed.policy) {
      return denied(request, "the string value of PreemptionPolicy (" +
                                 std::string(spec.preemption_policy()) +
                                 ") must not be provided in pod spec; priority admission "
                                 "controller computed " +
                                 computed.policy + " from the given PriorityClass name");
    }
    auto edit = core_v1::PodEdit(*request.object).edit_spec();
    if (!computed.class_name.empty()) edit.set_priority_class_name(computed.class_name);
    edit.set_priority(computed.value);
    edit.set_preemption_policy(computed.policy);
    return {};
  }

  // Old clients leave out what they don't know.
  static void keep(AdmissionRequest& request) {
    if (!request.old_object) return;
    core_v1::PodSpec old = core_v1::Pod(*request.old_object).spec();
    core_v1::PodSpec now = core_v1::Pod(*request.object).spec();
    auto edit = core_v1::PodEdit(*request.object).edit_spec();
    if (!now.has_priority() && old.has_priority()) edit.set_priority(old.priority());
    if (!now.has_preemption_policy() && old.has_preemption_policy()) {
      edit.set_preemption_policy(old.preemption_policy());
    }
  }

  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_priority(const AdmissionParts& parts) {
  return std::make_unique<Priority>(*parts.lookup);
}

}  // namespace tiphys::apiserver
