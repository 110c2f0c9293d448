// Probes and lifecycle hooks of containers.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kWindowsSignals[] = {"SIGKILL", "SIGTERM"};
constexpr std::string_view kActions[] = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};

// One action of the handler; what it needs are rows of its message.
void validate_actions(const schema::Message& type, const Node& handler, const FieldPath& path,
                      FieldErrors& errors) {
  int count = 0;
  for (std::string_view name : kActions) {
    const schema::Field* field = type.find(name);
    if (!field) continue;
    const Value& action = handler.field(type.index_of(*field));
    if (action.is_null()) continue;
    if (count++ > 0) {
      errors.forbidden(path.child(name), "may not specify more than 1 handler type");
    } else {
      validate_part(*field->message, action.as_node(), path.child(name), errors);
    }
  }
  if (count == 0) errors.required(path, "must specify a handler type");
}

void validate_sleep(core_v1::LifecycleHandler handler, core_v1::PodSpec spec, const FieldPath& path,
                    FieldErrors& errors) {
  if (!handler.has_sleep() || !spec.has_termination_grace_period_seconds()) return;
  int64_t grace = spec.termination_grace_period_seconds();
  int64_t seconds = handler.sleep().seconds();
  if (seconds >= 0 && seconds <= grace) return;
  errors.invalid(path.child("sleep"), seconds,
                 "must be non-negative and less than terminationGracePeriodSeconds (" +
                     std::to_string(grace) + ")");
}

void validate_hook(core_v1::LifecycleHandler handler, core_v1::PodSpec spec, const FieldPath& path,
                   FieldErrors& errors) {
  validate_actions(core_v1::LifecycleHandler::message_type(), handler.node(), path, errors);
  if (handler.node().size == 1) validate_sleep(handler, spec, path, errors);
}

void validate_stop_signal(std::string_view signal, core_v1::PodSpec spec, const FieldPath& path,
                          FieldErrors& errors) {
  if (!spec.has_os()) {
    errors.forbidden(path, "may not be set for containers with empty `spec.os.name`");
    return;
  }
  const schema::Field* field = core_v1::Lifecycle::message_type().find("stopSignal");
  if (spec.os().name() == "windows") check_supported(signal, kWindowsSignals, path, errors);
  if (spec.os().name() == "linux") check_supported(signal, field->enum_values, path, errors);
}

void validate_lifecycle(core_v1::Lifecycle lifecycle, core_v1::PodSpec spec, const FieldPath& path,
                        FieldErrors& errors) {
  if (lifecycle.has_post_start()) {
    validate_hook(lifecycle.post_start(), spec, path.child("postStart"), errors);
  }
  if (lifecycle.has_pre_stop()) {
    validate_hook(lifecycle.pre_stop(), spec, path.child("preStop"), errors);
  }
  if (lifecycle.has_stop_signal()) {
    validate_stop_signal(lifecycle.stop_signal(), spec, path.child("stopSignal"), errors);
  }
}

void validate_probe(core_v1::Probe probe, const FieldPath& path, FieldErrors& errors) {
  validate_actions(core_v1::ProbeHandler::message_type(), probe.handler().node(), path, errors);
  validate_part(core_v1::Probe::message_type(), probe.node(), path, errors);
}

void validate_single_success(core_v1::Probe probe, const FieldPath& path, FieldErrors& errors) {
  validate_probe(probe, path, errors);
  if (probe.success_threshold() == 1) return;
  errors.invalid(path.child("successThreshold"), probe.success_threshold(), "must be 1");
}

}  // namespace

void validate_handlers(core_v1::Container container, const PodScope& pod, const FieldPath& path,
                       FieldErrors& errors) {
  if (container.has_lifecycle()) {
    validate_lifecycle(container.lifecycle(), pod.spec, path.child("lifecycle"), errors);
  }
  if (container.has_liveness_probe()) {
    validate_single_success(container.liveness_probe(), path.child("livenessProbe"), errors);
  }
  if (container.has_readiness_probe()) {
    core_v1::Probe probe = container.readiness_probe();
    validate_probe(probe, path.child("readinessProbe"), errors);
    if (probe.has_termination_grace_period_seconds()) {
      errors.invalid(path.child("readinessProbe").child("terminationGracePeriodSeconds"),
                     probe.termination_grace_period_seconds(),
                     "must not be set for readinessProbes");
    }
  }
  if (container.has_startup_probe()) {
    validate_single_success(container.startup_probe(), path.child("startupProbe"), errors);
  }
}

}  // namespace tiphys::apiserver
