// ExtenderCalls: asks the scheduler's extenders, one after the other, and minds time-outs and what
// may be ignored. Loop thread only.
//
// Errors are upstream's: `Post "URL": dial tcp ...`, "failed filter with extender at URL ..., code
// 500", or what the extender's answer says. Source: k8s.io/kubernetes/pkg/scheduler/extender.go and
// schedule_one.go, v1.35.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "scheduler/extender_answers.h"

namespace tiphys::scheduler {

// How an extender is reached (http_extender.h).
class ExtenderTransport {
 public:
  struct Answer {
    int status = 200;
    std::string body;
  };
  virtual ~ExtenderTransport() = default;
  // POSTs JSON to urlPrefix/verb.
  virtual Task<Result<Answer>> post(std::string verb, std::string body, StopToken stop) = 0;
  // Requires: no call is under way.
  virtual Task<void> stop() = 0;
};

struct Extender {
  ExtenderConfig config;
  std::shared_ptr<ExtenderTransport> transport;
};

class ExtenderCalls {
 public:
  // Calls end when `stop` is requested. They are asked in the order given: ignorable ones last.
  ExtenderCalls(Loop& loop, std::vector<Extender> extenders, StopToken stop)
      : loop_(loop), extenders_(std::move(extenders)), stop_(std::move(stop)) {}

  // Whether anybody has a say in where the pod goes, or whom it may preempt.
  bool judges(const PodInfo& pod) const;
  bool judges_preemption(const PodInfo& pod) const;
  bool binds(const PodInfo& pod) const;
  MonoTime now() const { return loop_.mono(); }

  // Which of these nodes pass every extender. Error: one failed that may not be ignored.
  Task<Result<Filtered>> filter(PodPtr pod, std::vector<ObjectPtr> nodes);
  // Scores to add to the plugins', by node; of those who fail, none.
  Task<std::map<std::string, int64_t>> prioritize(PodPtr pod, std::vector<ObjectPtr> nodes);
  // What of the candidates is left, and with which victims. The snapshot is read as it is when an
  // answer comes.
  Task<Result<std::vector<Candidate>>> preempt(PodPtr pod, std::vector<Candidate> candidates,
                                               const Snapshot& snapshot);
  // False: nobody did it.
  Task<Result<bool>> bind(PodPtr pod, std::string node);
  // Requires: no call is under way.
  Task<void> stop();

 private:
  using Verb = std::string ExtenderConfig::*;
  bool any(Verb verb, const PodInfo& pod) const;
  Task<Result<std::string>> call(const Extender& extender, std::string verb, std::string question);
  using Scores = std::map<std::string, int64_t>;
  Task<void> score(const Extender& extender, PodPtr pod, std::string question, Scores& totals);

  Loop& loop_;
  const std::vector<Extender> extenders_;
  StopToken stop_;
};

}  // namespace tiphys::scheduler
