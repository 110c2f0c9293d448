// Strategies of batch kinds. Upstream: pkg/registry/batch.
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/names.h"
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

void warn_about_name(std::string_view name, std::vector<std::string>& warnings) {
  Messages problems = check_dns1123_label(name);
  if (problems.empty()) return;
  std::string list;
  for (const std::string& problem : problems) list += (list.empty() ? "" : " ") + problem;
  warnings.push_back(
      "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
      "behavior; a DNS label is recommended: [" +
      list + "]");
}

void warn_about_job(const StrategyContext& context, const Object& object,
                    std::vector<std::string>& warnings) {
  if (!context.updating) warn_about_name(batch_v1::Job(object).metadata().name(), warnings);
}

void warn_about_cron_job(const StrategyContext& context, const Object& object,
                         std::vector<std::string>& warnings) {
  batch_v1::CronJob job(object);
  if (!context.updating) warn_about_name(job.metadata().name(), warnings);
  if (job.spec().schedule().find("TZ") == std::string_view::npos) return;
  warnings.push_back(
      "CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see "
      "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
}

}  // namespace

Strategy job_strategy() { return {.prepare_for_create = prepare_job, .warnings = warn_about_job}; }

Strategy cron_job_strategy() { return {.warnings = warn_about_cron_job}; }

}  // namespace tiphys::apiserver
