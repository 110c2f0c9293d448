// Parts of the validation of workload kinds (pkg/apis/apps/validation upstream, v1.35), whose order
// stands in api/v1.35/validation.json. Pure.
//
// old: of the object before, or null at creation.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/apps_v1.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

void validate_replication_controller(core_v1::ReplicationController controller,
                                     const core_v1::ReplicationController* old,
                                     FieldErrors& errors);

// ---- parts that the kinds share ----

// The selector: set, not empty, valid. False: it selects nothing that can be told.
// noun: in "empty selector is invalid for <noun>"; broken: the detail of one that is not valid.
bool validate_workload_selector(bool present, meta_v1::LabelSelector selector,
                                std::string_view noun, std::string_view broken,
                                const FieldPath& spec, FieldErrors& errors);
// The template's labels are selected (an empty selector is another error's business).
void check_selected(bool present, meta_v1::LabelSelector selector,
                    core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                    FieldErrors& errors);
// Pods that always restart and have no deadline; noun: in "activeDeadlineSeconds in <noun> is ...".
void check_long_running(core_v1::PodTemplateSpec pod_template, std::string_view noun,
                        const FieldPath& path, FieldErrors& errors);

// A number that is not negative, or a percentage.
void check_number_or_percent(const Value& value, const FieldPath& path, FieldErrors& errors);
void check_at_most_all(const Value& value, const FieldPath& path, FieldErrors& errors);
bool is_zero_or_percent(const Value& value);

}  // namespace tiphys::apiserver
