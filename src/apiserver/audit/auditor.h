// Auditor: audits requests. begin() asks the policy about one; its RequestAudit gathers what the
// stages tell about it and writes an event at each stage that the policy wants.
//
// Loop thread only. Upstream: apiserver/pkg/audit/context.go, request.go.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apiserver/audit/backend.h"
#include "apiserver/audit/event.h"
#include "apiserver/audit/policy.h"
#include "net/http.h"

namespace tiphys::apiserver::audit {

inline constexpr size_t kMaxUserAgentBytes = 1024;  // longer ones are cut

// What is known of a request before anything is decided.
struct RequestFacts {
  std::string audit_id;
  std::string request_uri;
  std::vector<std::string> source_ips;
  std::string user_agent;
  MicroTime received = 0;
};
RequestFacts facts_of(const net::Request& request, std::string audit_id, MicroTime received);

// What is told about one request. Shared by its stages; outlives the Auditor if it must.
class RequestAudit {
 public:
  RequestAudit(RequestConfig config, Event event, std::shared_ptr<Backend> backend,
               const Clock& clock)
      : config_(config), event_(std::move(event)), backend_(std::move(backend)), clock_(clock) {}

  bool tells(Level level) const { return config_.level >= level; }
  bool omits_managed_fields() const { return config_.omit_managed_fields; }
  Annotations& annotations() { return event_.annotations; }
  const Event& event() const { return event_; }

  void set_impersonated(const UserInfo& user) { event_.impersonated_user = user; }
  // Fills in what the request's path left open.
  void complete_reference(std::string_view ns, std::string_view name, std::string_view uid,
                          std::string_view resource_version);
  // Compact JSON. Kept at level Request and above only.
  void set_request_object(std::string json);
  // The answer: a Status if it is one (else null), and its JSON if tells(kRequestResponse).
  void set_answer(const ObjectPtr& status, Bytes json);
  void set_code(int code);

  // Writes the event of a stage; never waits.
  void post(Stage stage);
  // The same, waiting as the backend's mode says. False: the request must not go on.
  static Task<bool> record(std::shared_ptr<RequestAudit> audit, Stage stage);

 private:
  bool enter(Stage stage);

  RequestConfig config_;
  Event event_;
  std::shared_ptr<Backend> backend_;
  const Clock& clock_;
};

// Tells that the answer is complete, when the last holder lets go (streams).
class Completion {
 public:
  explicit Completion(std::shared_ptr<RequestAudit> audit) : audit_(std::move(audit)) {}
  ~Completion() { audit_->post(Stage::kResponseComplete); }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

 private:
  std::shared_ptr<RequestAudit> audit_;
};

class Auditor {
 public:
  // clock outlives everything that begin() gives.
  Auditor(Policy policy, std::shared_ptr<Backend> backend, const Clock& clock)
      : policy_(std::move(policy)), backend_(std::move(backend)), clock_(clock) {}

  // Null: the policy wants nothing of this request.
  std::shared_ptr<RequestAudit> begin(RequestFacts facts, const UserInfo& user,
                                      const Attributes& attributes);
  Counts& counts() { return backend_->counts(); }
  Task<void> stop() { return backend_->stop(); }

 private:
  Policy policy_;
  std::shared_ptr<Backend> backend_;
  const Clock& clock_;
};

}  // namespace tiphys::apiserver::audit
