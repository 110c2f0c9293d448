#include "kubelet/pods/preemption.h"

#include <algorithm>

#include "base/time_math.h"
#include "kinds/pods.h"
#include "kubelet/pods/static_pod.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kLeastLimit = std::chrono::seconds(10);
constexpr int32_t kSystemCriticalPriority = 2'000'000'000;

struct Candidate {
  size_t at = 0;  // in `active`
  kinds::ResourceSums requests;

  int64_t request(const std::string& resource) const {
    if (resource == "pods") return 1;
    auto found = requests.find(resource);
    return found == requests.end() ? 0 : whole_amount(resource, found->second);
  }
};

struct Need {
  std::string resource;
  int64_t amount = 0;  // more than 0
};
using Needs = std::vector<Need>;
using Candidates = std::vector<Candidate>;

bool may_preempt(core_v1::Pod pod, core_v1::Pod other) {
  if (is_critical(pod) && !is_critical(other)) return true;
  if (!pod.spec().has_priority() || !other.spec().has_priority()) return false;
  return pod.spec().priority() > other.spec().priority();
}

Needs rest_of(const Needs& needs, const Candidates& gone) {
  Needs out;
  for (const Need& need : needs) {
    int64_t left = need.amount;
    for (const Candidate& one : gone) left -= one.request(need.resource);
    if (left > 0) out.push_back({need.resource, left});
  }
  return out;
}

// How much of the needs a pod would leave: each counts alike, whatever its unit.
double distance(const Needs& needs, const Candidate& one) {
  double out = 0;
  for (const Need& need : needs) {
    auto left = static_cast<double>(need.amount - one.request(need.resource));
    double share = left / static_cast<double>(need.amount);
    if (left > 0) out += share * share;
  }
  return out;
}

bool is_smaller(const Candidate& a, const Candidate& b) {
  for (const char* resource : {"memory", "cpu"}) {
    int64_t first = a.request(resource);
    int64_t second = b.request(resource);
    if (first != second) return first < second;
  }
  return true;
}

// One after the other, each time the nearest, of equally near ones the smaller.
// Requires: all of them together are enough.
Candidates nearest(Candidates from, Needs needs) {
  Candidates out;
  while (!needs.empty() && !from.empty()) {
    size_t best = 0;
    for (size_t i = 1; i < from.size(); ++i) {
      double d = distance(needs, from[i]);
      double least = distance(needs, from[best]);
      if (d < least || (d == least && is_smaller(from[i], from[best]))) best = i;
    }
    needs = rest_of(needs, {from[best]});
    out.push_back(std::move(from[best]));
    from.erase(from.begin() + static_cast<ptrdiff_t>(best));
  }
  return out;
}

Candidates joined(Candidates a, const Candidates& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string text_of(const Needs& needs) {
  std::string out = "[";
  for (const Need& need : needs) {
    out += "(res: " + need.resource + ", q: " + std::to_string(need.amount) + "), ";
  }
  return out + "]";
}

// Places in `active`. Error: all that may go don't free enough.
Result<std::vector<size_t>> pods_to_preempt(core_v1::Pod pod,
                                            const std::vector<core_v1::Pod>& active,
                                            const std::vector<Shortage>& lacking) {
  Needs needs;
  for (const Shortage& one : lacking) needs.push_back({one.resource, one.missing()});
  Candidates best_effort, burstable, guaranteed;
  for (size_t i = 0; i < active.size(); ++i) {
    if (!may_preempt(pod, active[i])) continue;
    std::string_view qos = kinds::qos_class(active[i].spec());
    Candidates& list = qos == "Guaranteed"  ? guaranteed
                       : qos == "Burstable" ? burstable
                                            : best_effort;
    list.push_back({i, kinds::pod_requests(active[i].spec())});
  }
  Needs beyond = rest_of(needs, joined(joined(best_effort, burstable), guaranteed));
  if (!beyond.empty()) {
    return ApiStatus::internal("no set of running pods found to reclaim resources: " +
                               text_of(beyond));
  }
  // Of each class what the classes below, and what goes anyway, don't free.
  Candidates last = nearest(guaranteed, rest_of(needs, joined(best_effort, burstable)));
  Candidates middle = nearest(burstable, rest_of(needs, joined(best_effort, last)));
  Candidates first = nearest(best_effort, rest_of(needs, joined(middle, last)));
  std::vector<size_t> out;
  for (const Candidate& one : joined(joined(first, middle), last)) out.push_back(one.at);
  return out;
}

}  // namespace

bool is_critical(core_v1::Pod pod) {
  return is_static_pod(pod) || is_mirror_pod(pod) ||
         pod.spec().priority() >= kSystemCriticalPriority;
}

Duration preemption_limit(core_v1::PodSpec spec) {
  Duration grace = bounded_seconds(spec.termination_grace_period_seconds());
  return std::max(kLeastLimit, grace + grace / 2);
}

Admission admit_or_preempt(const AdmissionInput& input, core_v1::Pod pod) {
  if (!is_critical(pod)) return {admit_pod(input, pod), {}, ""};
  Judgement judgement = judge_pod(input, pod);
  if (judgement.refusal || judgement.shortages.empty()) {
    return {std::move(judgement.refusal), {}, ""};
  }
  Result<std::vector<size_t>> victims = pods_to_preempt(pod, input.active, judgement.shortages);
  if (victims) return {std::nullopt, std::move(*victims), judgement.shortages[0].resource};
  return {Why{"UnexpectedAdmissionError",
              "Unexpected error while attempting to recover from admission failure: preemption: "
              "error finding a set of pods to preempt: " +
                  victims.error().message()},
          {},
          ""};
}

}  // namespace tiphys::kubelet
