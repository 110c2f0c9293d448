// What is valid in a KubeSchedulerConfiguration: upstream's field errors. Internal to
// configuration*.cc. Pure. Source: k8s.io/kubernetes/pkg/scheduler/apis/config/validation and
// k8s.io/component-base/config/validation, v1.35.
#pragma once
#include "kinds/scheduler_v1.h"
#include "scheduler/field_problems.h"

namespace tiphys::scheduler {

Result<void> validate_configuration(const scheduler_v1::KubeSchedulerConfiguration& config);

// The arguments of one plugin. NodeResourcesFit's are left out, as upstream does: the plugin itself
// judges them when it is made (validate_fit_args). Requires: the plugin has arguments.
void validate_args(std::string_view plugin, const Draft& args, const std::string& path,
                   FieldProblems& problems);
// Paths begin at the arguments.
void validate_fit_args(const scheduler_v1::NodeResourcesFitArgs& args, FieldProblems& problems);

}  // namespace tiphys::scheduler
