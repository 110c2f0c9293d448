#include "controllers/job_pods.h"

#include <gtest/gtest.h>

#include "client/object_key.h"
#include "controllers/job_policies.h"

namespace tiphys::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr MicroTime kNow = 1'700'000'000 * kMicrosPerSecond;

struct PodMaker {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod{draft};

  PodMaker() {
    pod.edit_metadata().set_name("p");
    pod.edit_metadata().set_namespace("ns");
    pod.edit_metadata().set_creation_timestamp(kNow);
  }
  PodMaker& ended(std::string_view name, int32_t code, MicroTime at) {
    auto status = pod.edit_status().edit_container_statuses().append();
    status.set_name(name);
    status.edit_state().edit_terminated().set_exit_code(code);
    status.edit_state().edit_terminated().set_finished_at(at);
    return *this;
  }
  PodMaker& condition(std::string_view type, std::string_view status, MicroTime at) {
    auto condition = pod.edit_status().edit_conditions().append();
    condition.set_type(type);
    condition.set_status(status);
    condition.set_last_transition_time(at);
    return *this;
  }
  core_v1::Pod view() const { return core_v1::Pod(draft); }
};

MicroTime after(int64_t seconds) { return kNow + seconds * kMicrosPerSecond; }

TEST(JobPods, EndWhenTheirLastContainerDid) {
  PodMaker pod;
  EXPECT_EQ(finish_time(pod.view()), kNow);
  pod.pod.edit_metadata().set_deletion_timestamp(after(90));
  pod.pod.edit_metadata().set_deletion_grace_period_seconds(30);
  EXPECT_EQ(finish_time(pod.view()), after(60));
  pod.condition("Ready", "False", after(50));
  EXPECT_EQ(finish_time(pod.view()), after(50));
  pod.ended("a", 1, after(10)).ended("b", 0, after(40));
  EXPECT_EQ(finish_time(pod.view()), after(40));
  pod.pod.edit_status().edit_container_statuses().append().set_name("runs");
  EXPECT_EQ(finish_time(pod.view()), after(50));
}

TEST(JobPods, BackOffDoublesUpToTenMinutes) {
  EXPECT_EQ(back_off_left({0, kNow}, kNow), seconds(0));
  EXPECT_EQ(back_off_left({1, kNow}, kNow), seconds(10));
  EXPECT_EQ(back_off_left({2, kNow}, kNow), seconds(20));
  EXPECT_EQ(back_off_left({3, kNow}, after(15)), seconds(25));
  EXPECT_EQ(back_off_left({3, kNow}, after(41)), seconds(0));
  EXPECT_EQ(back_off_left({6, kNow}, kNow), seconds(320));
  EXPECT_EQ(back_off_left({7, kNow}, kNow), minutes(10));
  EXPECT_EQ(back_off_left({INT32_MAX, kNow}, kNow), minutes(10));
  EXPECT_EQ(back_off_left({1, after(7200)}, kNow), seconds(10));
}

TEST(JobPods, OnlyFailuresAfterTheLastSuccessCount) {
  PodMaker early;
  PodMaker middle;
  PodMaker late;
  early.ended("c", 1, after(1));
  middle.ended("c", 1, after(5));
  late.ended("c", 1, after(9));
  JobBackOff before{2, kNow};
  JobBackOff same = next_back_off(before, {}, {}, after(100));
  EXPECT_EQ(same, before);
  JobBackOff more = next_back_off(before, {}, {late.view(), early.view()}, after(100));
  EXPECT_EQ(more, (JobBackOff{4, after(9)}));
  JobBackOff reset = next_back_off(before, {middle.view()}, {early.view()}, after(100));
  EXPECT_EQ(reset, JobBackOff{});
  JobBackOff one = next_back_off(before, {middle.view()}, {early.view(), late.view()}, after(100));
  EXPECT_EQ(one, (JobBackOff{1, after(9)}));
  JobBackOff clock = next_back_off(before, {}, {late.view()}, after(3));
  EXPECT_EQ(clock, (JobBackOff{3, after(3)}));
}

TEST(JobPods, IndexesAndFailuresAreReadWithCare) {
  for (std::string_view text : {"", "x", "-1", "4294967296", "1x"}) {
    PodMaker pod;
    pod.pod.edit_metadata().edit_annotations().set(kCompletionIndex, text);
    pod.pod.edit_metadata().edit_annotations().set(kIndexFailures, text);
    EXPECT_FALSE(completion_index(pod.view())) << text;
    EXPECT_EQ(index_failures(pod.view()), text.size() > 5 ? 1'000'000'000 : 0) << text;
  }
  PodMaker pod;
  pod.pod.edit_metadata().edit_annotations().set(kCompletionIndex, "7");
  EXPECT_EQ(completion_index(pod.view()), 7);
}

ObjectPtr new_job(std::string_view name) {
  Draft draft = batch_v1::Job::make();
  batch_v1::JobEdit job(draft);
  job.edit_metadata().set_name(name);
  job.edit_metadata().set_namespace("ns");
  job.edit_metadata().set_uid("job-uid");
  job.edit_spec().edit_template().edit_spec().edit_containers().append().set_name("c");
  return draft.freeze();
}

TEST(JobPods, NewPodsAreTrackedAndNamedAfterTheirIndex) {
  std::string longest(63, 'a');
  for (const auto& [name, prefix] : {std::pair(std::string("j"), std::string("j-12-")),
                                     std::pair(longest, std::string(54, 'a') + "-12-")}) {
    ObjectPtr job = new_job(name);
    ObjectPtr base = new_job_pod(*job);
    EXPECT_TRUE(is_tracked(core_v1::Pod(*base)));
    ObjectPtr made = new_indexed_pod(*job, *base, 12, nullptr);
    core_v1::Pod pod(*made);
    EXPECT_EQ(pod.metadata().generate_name(), prefix);
    EXPECT_EQ(pod.spec().hostname(), name + "-12");
    EXPECT_EQ(completion_index(pod), 12);
    EXPECT_FALSE(pod.metadata().annotations().contains(kIndexFailures));
    EXPECT_EQ(pod.spec().containers()[0].env()[0].name(), "JOB_COMPLETION_INDEX");
  }
}

// A Job with one rule of a pod failure policy.
struct PolicyMaker {
  Draft draft = batch_v1::Job::make();
  batch_v1::JobSpecEdit spec = batch_v1::JobEdit(draft).edit_spec();
  batch_v1::PodFailurePolicyRuleEdit rule = spec.edit_pod_failure_policy().edit_rules().append();
  std::string_view action(const PodMaker& pod) const {
    return match_failure(batch_v1::Job(draft).spec(), pod.view()).action;
  }
};

TEST(JobPolicies, MatchExitCodes) {
  PolicyMaker policy;
  policy.rule.set_action("Ignore");
  policy.rule.edit_on_exit_codes().set_operator("NotIn");
  policy.rule.edit_on_exit_codes().edit_values().append(3);
  PodMaker three;
  three.ended("a", 3, kNow);
  PodMaker four;
  four.ended("a", 0, kNow).ended("b", 4, kNow);
  PodMaker zero;
  zero.ended("a", 0, kNow);
  EXPECT_EQ(policy.action(three), "");
  EXPECT_EQ(policy.action(four), "Ignore");
  EXPECT_EQ(policy.action(zero), "");
  policy.rule.edit_on_exit_codes().set_operator("In");
  EXPECT_EQ(policy.action(three), "Ignore");
  EXPECT_EQ(policy.action(four), "");
  policy.rule.edit_on_exit_codes().set_container_name("b");
  EXPECT_EQ(policy.action(three), "");
}

TEST(JobPolicies, MatchPodConditions) {
  PolicyMaker policy;
  policy.rule.set_action("FailJob");
  auto pattern = policy.rule.edit_on_pod_conditions().append();
  pattern.set_type("ConfigIssue");
  pattern.set_status("True");
  PodMaker pod;
  pod.condition("ConfigIssue", "False", kNow);
  EXPECT_EQ(policy.action(pod), "");
  pod.condition("ConfigIssue", "True", kNow);
  FailureVerdict verdict = match_failure(batch_v1::Job(policy.draft).spec(), pod.view());
  EXPECT_EQ(verdict.action, "FailJob");
  EXPECT_EQ(verdict.message, "Pod ns/p has condition ConfigIssue matching FailJob rule at index 0");
}

TEST(JobPolicies, SuccessNeedsIndexesOrTheirNumber) {
  Draft draft = batch_v1::Job::make();
  batch_v1::JobSpecEdit spec = batch_v1::JobEdit(draft).edit_spec();
  spec.set_completions(10);
  auto first = spec.edit_success_policy().edit_rules().append();
  first.set_succeeded_indexes("1-3");
  auto second = spec.edit_success_policy().edit_rules().append();
  second.set_succeeded_indexes("5-9");
  second.set_succeeded_count(2);
  auto met = [&](std::string_view done) {
    return match_success(batch_v1::Job(draft).spec(), IndexRanges::parse(done, 10)).value_or("");
  };
  EXPECT_EQ(met(""), "");
  EXPECT_EQ(met("1,2,4,5"), "");
  EXPECT_EQ(met("0-3"), "Matched rules at index 0");
  EXPECT_EQ(met("4,6,8"), "Matched rules at index 1");
  auto third = spec.edit_success_policy().edit_rules().append();
  third.set_succeeded_count(4);
  EXPECT_EQ(met("0,1,2,4"), "Matched rules at index 2");
}

}  // namespace
}  // namespace tiphys::controllers
