#include "scheduler/extender_calls.h"

#include <algorithm>

#include "async/deadline.h"
#include "async/gate.h"
#include "base/log.h"
#include "base/strings.h"
#include "kinds/metadata.h"
#include "scheduler/extender_questions.h"

namespace tiphys::scheduler {
namespace {

bool is_asked(const ExtenderConfig& config, std::string ExtenderConfig::* verb,
              const PodInfo& pod) {
  return !(config.*verb).empty() && is_interested(config, pod);
}

std::vector<std::string> names_of(const std::vector<ObjectPtr>& nodes) {
  std::vector<std::string> names;
  for (const ObjectPtr& node : nodes) names.emplace_back(name_of(*node));
  return names;
}

// Keeps the nodes that passed: `names` are some of them, in their order.
void keep(std::vector<ObjectPtr>& nodes, const std::vector<std::string>& names) {
  size_t next = 0;
  std::erase_if(nodes, [&](const ObjectPtr& node) {
    if (next < names.size() && name_of(*node) == names[next]) return ++next, false;
    return true;
  });
}

}  // namespace

bool ExtenderCalls::any(Verb verb, const PodInfo& pod) const {
  return std::ranges::any_of(
      extenders_, [&](const Extender& extender) { return is_asked(extender.config, verb, pod); });
}

bool ExtenderCalls::judges(const PodInfo& pod) const {
  return any(&ExtenderConfig::filter_verb, pod) || any(&ExtenderConfig::prioritize_verb, pod) ||
         judges_preemption(pod);
}

bool ExtenderCalls::judges_preemption(const PodInfo& pod) const {
  return any(&ExtenderConfig::preempt_verb, pod);
}

bool ExtenderCalls::binds(const PodInfo& pod) const { return any(&ExtenderConfig::bind_verb, pod); }

Task<Result<std::string>> ExtenderCalls::call(const Extender& extender, std::string verb,
                                              std::string question) {
  std::string url = extender_url(extender.config, verb);
  Deadline deadline(loop_, extender.config.http_timeout, stop_);
  Result<ExtenderTransport::Answer> answer =
      co_await extender.transport->post(verb, std::move(question), deadline.token());
  if (!answer) {
    std::string why = deadline.passed() ? "context deadline exceeded (Client.Timeout exceeded "
                                          "while awaiting headers)"
                                        : answer.error().message();
    co_return ApiStatus::internal("Post " + go_quote(url) + ": " + why);
  }
  if (answer->status != 200) {
    co_return ApiStatus::internal("failed " + verb + " with extender at URL " + url + ", code " +
                                  std::to_string(answer->status));
  }
  co_return std::move(answer->body);
}

Task<Result<Filtered>> ExtenderCalls::filter(PodPtr pod, std::vector<ObjectPtr> nodes) {
  Filtered total;
  for (const Extender& extender : extenders_) {
    if (nodes.empty()) break;
    const ExtenderConfig& config = extender.config;
    if (!is_asked(config, &ExtenderConfig::filter_verb, *pod)) continue;
    Result<std::string> body =
        co_await call(extender, config.filter_verb, extender_args(config, *pod, nodes));
    Result<Filtered> answer =
        body ? read_filter_answer(config, names_of(nodes), *body) : Result<Filtered>(body.error());
    if (!answer && !config.ignorable) co_return answer.error();
    if (!answer) {
      LOG_INFO("Skipping extender as it returned error and has ignorable flag set",
               {"extender", config.url_prefix}, {"err", answer.error()});
      continue;
    }
    keep(nodes, answer->nodes);
    for (auto& [name, rejection] : answer->rejected) total.rejected[name] = std::move(rejection);
  }
  total.nodes = names_of(nodes);
  co_return total;
}

Task<void> ExtenderCalls::score(const Extender& extender, PodPtr pod, std::string question,
                                Scores& totals) {
  Result<std::string> body =
      co_await call(extender, extender.config.prioritize_verb, std::move(question));
  Result<Scores> scores =
      body ? read_priorities(extender.config, *body) : Result<Scores>(body.error());
  if (!scores) {
    LOG_V(5, "Failed to run extender's priority function. No score given by this extender.",
          {"err", scores.error()}, {"pod", pod->key}, {"extender", extender.config.url_prefix});
    co_return;
  }
  for (const auto& [node, score] : *scores) totals[node] = saturating_add(totals[node], score);
}

Task<std::map<std::string, int64_t>> ExtenderCalls::prioritize(PodPtr pod,
                                                               std::vector<ObjectPtr> nodes) {
  Scores totals;
  Gate asking(loop_);
  for (const Extender& extender : extenders_) {
    if (!is_asked(extender.config, &ExtenderConfig::prioritize_verb, *pod)) continue;
    std::string question = extender_args(extender.config, *pod, nodes);
    asking.spawn(score(extender, pod, std::move(question), totals));
  }
  co_await asking.close();
  co_return totals;
}

Task<Result<std::vector<Candidate>>> ExtenderCalls::preempt(PodPtr pod,
                                                            std::vector<Candidate> candidates,
                                                            const Snapshot& snapshot) {
  using Read = Result<std::vector<Candidate>>;
  for (const Extender& extender : extenders_) {
    if (candidates.empty()) break;
    const ExtenderConfig& config = extender.config;
    if (!is_asked(config, &ExtenderConfig::preempt_verb, *pod)) continue;
    Result<std::string> body = co_await call(extender, config.preempt_verb,
                                             extender_preemption_args(config, *pod, candidates));
    Read answer = body ? read_preemption_answer(config, snapshot, *body) : Read(body.error());
    if (!answer && !config.ignorable) co_return answer.error();
    if (answer) {
      candidates = std::move(*answer);
    } else {
      LOG_INFO("Skipped extender as it returned error and has ignorable flag set",
               {"extender", config.url_prefix}, {"err", answer.error()});
    }
  }
  co_return candidates;
}

Task<Result<bool>> ExtenderCalls::bind(PodPtr pod, std::string node) {
  for (const Extender& extender : extenders_) {
    const ExtenderConfig& config = extender.config;
    if (!is_asked(config, &ExtenderConfig::bind_verb, *pod)) continue;
    Result<std::string> body =
        co_await call(extender, config.bind_verb, extender_binding_args(*pod, node));
    Result<void> bound = body ? read_binding_answer(*body) : Result<void>(body.error());
    if (bound) co_return true;
    if (!config.ignorable) co_return bound.error();
    LOG_INFO("Skipping extender in bind as it returned error and has ignorable flag set",
             {"extender", config.url_prefix}, {"err", bound.error()});
  }
  co_return false;
}

Task<void> ExtenderCalls::stop() {
  for (const Extender& extender : extenders_) co_await extender.transport->stop();
}

}  // namespace tiphys::scheduler
