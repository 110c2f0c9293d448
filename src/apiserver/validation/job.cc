// Rules of batch Jobs' specs that are no rows (pkg/apis/batch/validation).
#include <set>

#include "apiserver/validation/job_indexes.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/selectors.h"
#include "apiserver/validation/semantic_equal.h"
#include "kinds/batch_v1.h"
#include "kinds/job_labels.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNever = "Never";
constexpr std::string_view kRestartPolicies[] = {"OnFailure", "Never"};
constexpr int64_t kManyCompletions = 100'000;
constexpr int64_t kMaxFailedIndexes = 100'000;
constexpr int64_t kHighCompletionsLimit = 10'000;  // of parallelism and of failed indexes

// The spec that a value of the object stands in.
batch_v1::JobSpec job_spec_of(const RuleInput& input) {
  const Object& object = input.scope.object;
  if (&object.type() == &batch_v1::CronJob::message()) {
    return batch_v1::CronJob(object).spec().job_template().spec();
  }
  return batch_v1::Job(object).spec();
}

void has_label(core_v1::PodTemplateSpec pod_template, std::string_view key, std::string_view value,
               FieldErrors& errors) {
  FieldPath path("spec.template.metadata.labels");
  auto labels = pod_template.metadata().labels();
  if (!labels.contains(key)) {
    errors.required(path.key(key), "must be '" + std::string(value) + "'");
  } else if (labels.find(key) != value) {
    std::string printed =
        printed_field(meta_v1::ObjectMeta::message(), pod_template.metadata().node(), "labels");
    errors.invalid_raw(path.key(key), printed, "must be '" + std::string(value) + "'");
  }
}

bool selects_generated(meta_v1::LabelSelector selector, std::string_view name,
                       std::string_view uid) {
  Arena arena;
  Value labels = arena.make(ValueType::kMap);
  for (const auto& [key, value] : kinds::job_labels(name, uid)) {
    set_entry(arena, *labels.node, key, arena.string(value));
  }
  return selector_matches(selector, MapView<std::string_view>(*labels.node));
}

void high_completions(batch_v1::JobSpec spec, const FieldPath& path, FieldErrors& errors) {
  std::string above = std::to_string(kManyCompletions);
  std::string detail = "must be less than or equal to " + std::to_string(kHighCompletionsLimit) +
                       " when completions are above " + above +
                       " and used with backoff limit per index";
  if (!spec.has_max_failed_indexes()) {
    errors.required(path.child("maxFailedIndexes"),
                    "must be specified when completions is above " + above);
  }
  if (spec.parallelism() > kHighCompletionsLimit) {
    errors.invalid(path.child("parallelism"), spec.parallelism(), detail);
  }
  if (spec.max_failed_indexes() > kHighCompletionsLimit) {
    errors.invalid(path.child("maxFailedIndexes"), spec.max_failed_indexes(), detail);
  }
}

// What a Job that is suspended and never started may change of its template.
void forget_scheduling(core_v1::PodTemplateSpecEdit old, core_v1::PodTemplateSpec now) {
  core_v1::PodSpecEdit spec = old.edit_spec();
  if (now.spec().has_affinity()) {
    core_v1::AffinityEdit affinity = spec.edit_affinity();
    if (now.spec().affinity().has_node_affinity()) {
      affinity.set_node_affinity(now.spec().affinity().node_affinity());
    } else {
      affinity.clear_node_affinity();
    }
  } else if (spec.view().has_affinity()) {
    spec.edit_affinity().clear_node_affinity();
    if (spec.view().affinity().node().size == 0) spec.clear_affinity();
  }
  auto copy = [](Edit to, const schema::Message& type, const Node& from, std::string_view name) {
    uint16_t index = type.index_of(*type.find(name));
    to.put_value(index, from.field(index));
  };
  for (std::string_view name : {"nodeSelector", "tolerations", "schedulingGates"}) {
    copy(spec, core_v1::PodSpec::message(), now.spec().node(), name);
  }
  for (std::string_view name : {"annotations", "labels"}) {
    copy(old.edit_metadata(), meta_v1::ObjectMeta::message(), now.metadata().node(), name);
  }
}

}  // namespace

void call_job_generated_selector(const RuleInput& input, FieldErrors& errors) {
  batch_v1::Job job(input.value.as_node());
  if (job.spec().manual_selector() || !job.spec().has_selector()) return;
  std::string_view uid = job.metadata().uid();
  std::string_view name = job.metadata().name();
  if (uid.empty()) errors.required(FieldPath("metadata").child("uid"));
  bool prefixed = true;
  if (input.updating()) {
    auto before = batch_v1::Job(*input.scope.old).spec().template_().metadata().labels();
    prefixed =
        before.contains(kinds::kJobNameLabel) && before.contains(kinds::kJobControllerUidLabel);
  }
  for (const auto& [key, value] : kinds::job_labels(name, uid)) {
    if (prefixed || key.find('/') == std::string_view::npos) {
      has_label(job.spec().template_(), key, value, errors);
    }
  }
  if (!selects_generated(job.spec().selector(), name, uid)) {
    errors.invalid_raw(input.path.child("spec").child("selector"),
                       printed_field(batch_v1::JobSpec::message(), job.spec().node(), "selector"),
                       "`selector` not auto-generated");
  }
}

void call_job_template_labels(const RuleInput& input, FieldErrors& errors) {
  batch_v1::JobSpec spec(input.value.as_node());
  meta_v1::ObjectMeta meta = spec.template_().metadata();
  // No selector selects nothing.
  if (spec.has_selector() && selector_matches(spec.selector(), meta.labels())) return;
  errors.invalid_raw(input.path.child("template").child("metadata").child("labels"),
                     printed_field(meta_v1::ObjectMeta::message(), meta.node(), "labels"),
                     "`selector` does not match template `labels`");
}

void call_job_pod_hostname(const RuleInput& input, FieldErrors& errors) {
  batch_v1::Job job(input.value.as_node());
  if (job.spec().completion_mode() != "Indexed" || job.spec().completions() <= 0) return;
  std::string_view name = job.metadata().name();
  std::string hostname = std::string(name) + "-" + std::to_string(job.spec().completions() - 1);
  if (check_dns1123_label(hostname).empty()) return;
  errors.invalid(FieldPath("metadata").child("name"), name,
                 "will not able to create pod with invalid DNS label: " + hostname);
}

void call_job_indexed(const RuleInput& input, FieldErrors& errors) {
  batch_v1::JobSpec spec(input.value.as_node());
  FieldPath failed = input.path.child("maxFailedIndexes");
  if (spec.has_completions() && spec.max_failed_indexes() > spec.completions()) {
    errors.invalid(failed, spec.max_failed_indexes(), "must be less than or equal to completions");
  }
  if (spec.max_failed_indexes() > kMaxFailedIndexes) {
    errors.invalid(failed, spec.max_failed_indexes(),
                   "must be less than or equal to " + std::to_string(kMaxFailedIndexes));
  }
  if (spec.completions() > kManyCompletions && spec.has_backoff_limit_per_index()) {
    high_completions(spec, input.path, errors);
  }
}

void call_job_fail_index(const RuleInput& input, FieldErrors& errors) {
  if (job_spec_of(input).has_backoff_limit_per_index()) return;
  errors.invalid(input.path, input.value.as_text(), "requires the backoffLimitPerIndex to be set");
}

void call_job_container_name(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  core_v1::PodSpec pod = job_spec_of(input).template_().spec();
  for (core_v1::Container container : pod.containers()) {
    if (container.name() == input.value.as_text()) return;
  }
  for (core_v1::Container container : pod.init_containers()) {
    if (container.name() == input.value.as_text()) return;
  }
  errors.invalid(input.path, input.value.as_text(),
                 "must be one of the container or initContainer names in the pod template");
}

void call_job_exit_codes(const RuleInput& input, FieldErrors& errors) {
  batch_v1::PodFailurePolicyOnExitCodesRequirement requirement(input.parent);
  ListView<int32_t> values = requirement.values();
  std::set<int32_t> seen;
  bool ordered = true;
  for (size_t i = 0; i < values.size(); ++i) {
    FieldPath path = input.path.index(i);
    if (requirement.operator_() == "In" && values[i] == 0) {
      errors.invalid(path, 0, "must not be 0 for the In operator");
    }
    if (!seen.insert(values[i]).second) errors.duplicate_raw(path, std::to_string(values[i]));
    ordered = ordered && (i == 0 || values[i - 1] <= values[i]);
  }
  if (!ordered) {
    errors.invalid_raw(input.path, printed_value(*input.field, input.value), "must be ordered");
  }
}

void call_job_success_rule(const RuleInput& input, FieldErrors& errors) {
  batch_v1::SuccessPolicyRule rule(input.value.as_node());
  int64_t completions = job_spec_of(input).completions();
  int64_t total = 0;
  if (rule.has_succeeded_indexes()) {
    Result<int64_t> count = count_job_indexes(rule.succeeded_indexes(), completions);
    if (count) {
      total = *count;
    } else {
      errors.invalid(input.path.child("succeededIndexes"), rule.succeeded_indexes(),
                     "error parsing succeededIndexes: " + count.error().message());
    }
  }
  if (!rule.has_succeeded_count()) return;
  FieldPath path = input.path.child("succeededCount");
  int64_t wanted = rule.succeeded_count();
  if (wanted < 0) errors.invalid(path, wanted, "must be greater than or equal to 0");
  std::string most = "must be less than or equal to ";
  if (wanted > completions) {
    errors.invalid(path, wanted,
                   most + std::to_string(completions) + " (the number of specified completions)");
  }
  if (rule.has_succeeded_indexes() && wanted > total) {
    errors.invalid(path, wanted,
                   most + std::to_string(total) +
                       " (the number of indexes in the specified succeededIndexes field)");
  }
}

void call_job_restart_policy(const RuleInput& input, FieldErrors& errors) {
  std::string_view policy = input.value.as_text();
  if (policy == "Always" || policy.empty()) {
    errors.required(input.path, "valid values: \"OnFailure\", \"Never\"");
  } else if (policy != "OnFailure" && policy != kNever) {
    errors.not_supported(input.path, policy, kRestartPolicies);
  } else if (policy != kNever && job_spec_of(input).has_pod_failure_policy()) {
    errors.invalid(input.path, policy,
                   "only \"Never\" is supported when podFailurePolicy is specified");
  }
}

// Fixed, but for Indexed Jobs, where it moves together with parallelism.
void call_job_completions(const RuleInput& input, FieldErrors& errors) {
  if (equal(input.value, input.old)) return;
  batch_v1::JobSpec spec(input.parent);
  if (spec.completion_mode() != "Indexed") {
    errors.invalid_raw(input.path, printed_value(*input.field, input.value), "field is immutable");
  } else if (spec.has_completions() && spec.completions() != spec.parallelism()) {
    errors.invalid(input.path, spec.completions(),
                   "can only be modified in tandem with spec.parallelism");
  }
}

void call_job_template_kept(const RuleInput& input, FieldErrors& errors) {
  batch_v1::Job before(*input.scope.old);
  core_v1::PodTemplateSpec now(input.value.as_node());
  Arena arena;
  Value old = input.old.is_null() ? arena.make(ValueType::kStruct) : arena.clone(input.old);
  if (before.spec().suspend() && !before.status().has_start_time()) {
    forget_scheduling(core_v1::PodTemplateSpecEdit(arena, *old.node), now);
  }
  if (semantic_equal(*input.field, input.value, old)) return;
  errors.invalid_raw(input.path, printed_value(*input.field, input.value), "field is immutable");
}

}  // namespace tiphys::apiserver
