// Strategies of batch kinds. Upstream: pkg/registry/batch.
#include "apiserver/registry/strategies/builtin.h"
#include "kinds/batch_v1.h"
#include "kinds/job_labels.h"

namespace tiphys::apiserver {
namespace {

// Labels of its own for the pods of the Job, and a selector that finds them. What clients have set
// stays; validation refuses it if it is something else.
void generate_selector(batch_v1::JobEdit job) {
  std::string name(job.view().metadata().name());
  std::string uid(job.view().metadata().uid());
  batch_v1::JobSpecEdit spec = job.edit_spec();
  auto labels = spec.edit_template().edit_metadata().edit_labels();
  for (const auto& [key, value] : kinds::job_labels(name, uid)) {
    if (!labels.view().contains(key)) labels.set(key, value);
  }
  auto match = spec.edit_selector().edit_match_labels();
  if (!match.view().contains(kinds::kJobControllerUidLabel)) {
    match.set(kinds::kJobControllerUidLabel, uid);
  }
}

void prepare_job(const StrategyContext&, Draft& object) {
  batch_v1::JobEdit job(object);
  if (!job.view().spec().manual_selector()) generate_selector(job);
  // What comes back from the store is defaulted anew.
  auto labels = job.view().spec().template_().metadata().labels();
  if (!labels.empty() && job.view().metadata().labels().empty()) {
    job.edit_metadata().set_labels(labels);
  }
}

}  // namespace

Strategy job_strategy() { return {.prepare_for_create = prepare_job}; }

}  // namespace tiphys::apiserver
