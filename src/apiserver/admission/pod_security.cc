// PodSecurity: pods keep to their namespace's Pod Security Standard. Workloads with a template are
// only warned about. No exemptions, and privileged where a namespace has no labels, as upstream's
// defaults. Upstream: k8s.io/pod-security-admission/admission.
#include "apiserver/pod_security/evaluator.h"

#include <algorithm>
#include <map>
#include <set>

#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/registry/aggregate.h"
#include "base/strings.h"
#include "kinds/apps_v1.h"
#include "kinds/batch_v1.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

using pod_security::evaluate;
using pod_security::Level;
using pod_security::LevelVersion;
using pod_security::PodParts;
using pod_security::Policy;
using pod_security::Violation;

constexpr size_t kMaxPodsToCheck = 3000;  // of a namespace whose policy changes
constexpr Duration kMaxCheckTime = std::chrono::seconds(1);

constexpr std::string_view kIgnoredSubresources[] = {"exec", "attach",      "binding", "eviction",
                                                     "log",  "portforward", "proxy",   "status"};

PodParts of_template(const core_v1::PodTemplateSpec& pod) { return {pod.metadata(), pod.spec()}; }
PodParts of_pod(const core_v1::Pod& pod) { return {pod.metadata(), pod.spec()}; }

struct TemplateRow {
  std::string_view group;
  std::string_view resource;
  PodParts (*parts)(const Node& root);
};

template <class Kind>
PodParts spec_template(const Node& root) {
  return of_template(Kind(root).spec().template_());
}

constexpr TemplateRow kTemplates[] = {
    {"", "replicationcontrollers", spec_template<core_v1::ReplicationController>},
    {"", "podtemplates",
     [](const Node& root) { return of_template(core_v1::PodTemplate(root).template_()); }},
    {"apps", "replicasets", spec_template<apps_v1::ReplicaSet>},
    {"apps", "deployments", spec_template<apps_v1::Deployment>},
    {"apps", "statefulsets", spec_template<apps_v1::StatefulSet>},
    {"apps", "daemonsets", spec_template<apps_v1::DaemonSet>},
    {"batch", "jobs", spec_template<batch_v1::Job>},
    {"batch", "cronjobs",
     [](const Node& root) {
       return of_template(batch_v1::CronJob(root).spec().job_template().spec().template_());
     }},
};

const TemplateRow* template_row(const schema::Resource& resource) {
  for (const TemplateRow& row : kTemplates) {
    if (row.group == resource.group && row.resource == resource.resource) return &row;
  }
  return nullptr;
}

bool same_images(const auto& now, const auto& old) {
  if (now.size() != old.size()) return false;
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i].image() != old[i].image()) return false;
  }
  return true;
}

// Whether anything changed that checks look at: images stand for all else that may change.
bool is_significant(const core_v1::PodSpec& now, const core_v1::PodSpec& old) {
  if (!same_images(now.containers(), old.containers())) return true;
  if (!same_images(now.init_containers(), old.init_containers())) return true;
  for (const auto& container : now.ephemeral_containers()) {
    bool kept = false;
    for (const auto& before : old.ephemeral_containers()) {
      kept |= before.name() == container.name() && before.image() == container.image();
    }
    if (!kept) return true;
  }
  return false;
}

// One pod of each controller first: its others hardly differ.
std::vector<ObjectPtr> by_priority(std::vector<ObjectPtr> pods) {
  std::set<std::string> seen;
  std::vector<ObjectPtr> first;
  std::vector<ObjectPtr> others;
  for (ObjectPtr& pod : pods) {
    std::string owner(controller_of(metadata(*pod)).uid());
    bool is_first = owner.empty() || seen.insert(owner).second;
    (is_first ? first : others).push_back(std::move(pod));
  }
  first.insert(first.end(), others.begin(), others.end());
  return first;
}

// Pods with the same faults: one warning names the first.
struct Offenders {
  std::string first;
  size_t count = 0;

  void add(std::string_view name) {
    if (count++ == 0 || name < first) first = name;
  }
  std::string text() const {
    if (count == 1) return first;
    if (count == 2) return first + " (and 1 other pod)";
    return first + " (and " + std::to_string(count - 1) + " other pods)";
  }
};

void warn(const AdmissionRequest& request, std::string text) {
  if (!request.warnings) return;
  auto& list = *request.warnings;
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

// Under PodSecurity's own prefix.
void annotate(const AdmissionRequest& request, std::string_view key, std::string_view value) {
  if (!request.audit_annotations) return;
  request.audit_annotations->add("pod-security.kubernetes.io/" + std::string(key), value);
}

class PodSecurity : public PlainPlugin {
 public:
  PodSecurity(const Lookup& lookup, Loop& loop) : lookup_(lookup), loop_(loop) {}
  std::string_view name() const override { return "PodSecurity"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    if (!is_create(request) && !is_update(request)) return {};
    const schema::Resource& resource = *request.resource;
    if (resource.group.empty() && resource.resource == "namespaces") {
      return request.subresource.empty() ? check_namespace(request) : Result<void>();
    }
    if (resource.group.empty() && resource.resource == "pods") return check_pod(request);
    const TemplateRow* row = template_row(resource);
    if (!row || !request.subresource.empty()) return {};
    TIPHYS_TRY(Policy, policy, policy_for(request));
    PodParts pod = row->parts(request.object->root());
    audit_violations(request, policy, pod);
    warn_about(request, policy, pod);
    return {};
  }

 private:
  static Policy labelled(const Node& root, FieldErrors& errors) {
    return pod_security::policy_of(core_v1::Namespace(root).metadata().labels().node(), errors);
  }

  Result<Policy> policy_for(const AdmissionRequest& request) const {
    ObjectPtr ns = lookup_.get("", "namespaces", "", request.ns);
    if (!ns) return ApiStatus::internal("failed to lookup namespace " + go_quote(request.ns));
    FieldErrors errors;  // what can't be read counts as strict
    Policy policy = labelled(ns->root(), errors);
    if (!errors.empty())
      annotate(request, "error", "Failed to parse policy: " + aggregate_text(errors));
    return policy;
  }

  Result<void> check_pod(const AdmissionRequest& request) const {
    for (std::string_view ignored : kIgnoredSubresources) {
      if (request.subresource == ignored) return {};
    }
    TIPHYS_TRY(Policy, policy, policy_for(request));
    core_v1::Pod pod(*request.object);
    if (is_update(request)) {
      core_v1::Pod old(*request.old_object);
      if (!is_significant(pod.spec(), old.spec())) return {};
    }
    annotate(request, "enforce-policy", policy.enforce.text());
    audit_violations(request, policy, of_pod(pod));
    std::vector<Violation> found = evaluate(policy.enforce, of_pod(pod));
    if (!found.empty()) {
      return denied(request, "violates PodSecurity " + go_quote(policy.enforce.text()) + ": " +
                                 pod_security::details(found));
    }
    warn_about(request, policy, of_pod(pod));
    return {};
  }

  // A policy's audit level is for the audit log alone.
  static void audit_violations(const AdmissionRequest& request, const Policy& policy,
                               const PodParts& pod) {
    if (!request.audit_annotations) return;
    std::vector<Violation> found = evaluate(policy.audit, pod);
    if (found.empty()) return;
    annotate(request, "audit-violations",
             "would violate PodSecurity " + go_quote(policy.audit.text()) + ": " +
                 pod_security::details(found));
  }

  static void warn_about(const AdmissionRequest& request, const Policy& policy,
                         const PodParts& pod) {
    std::vector<Violation> found = evaluate(policy.warn, pod);
    if (found.empty()) return;
    warn(request, "would violate PodSecurity " + go_quote(policy.warn.text()) + ": " +
                      pod_security::details(found));
  }

  Result<void> check_namespace(const AdmissionRequest& request) const {
    FieldErrors errors;
    Policy now = labelled(request.object->root(), errors);
    FieldErrors old_errors;
    Policy old;
    if (is_update(request)) old = labelled(request.old_object->root(), old_errors);
    if (!errors.empty() && !same(errors, old_errors)) {
      return ApiStatus::invalid("", "Namespace", request.name, errors.take());
    }
    if (!is_update(request) || now.enforce == old.enforce) return {};
    bool relaxed = now.enforce.minor == old.enforce.minor && now.enforce.level < old.enforce.level;
    if (now.enforce.level != Level::kPrivileged && !relaxed) warn_of_pods(request, now.enforce);
    return {};
  }

  static bool same(const FieldErrors& a, const FieldErrors& b) {
    auto equal = [](const StatusCause& x, const StatusCause& y) {
      return x.field == y.field && x.message == y.message;
    };
    return std::equal(a.causes().begin(), a.causes().end(), b.causes().begin(), b.causes().end(),
                      equal);
  }

  void warn_of_pods(const AdmissionRequest& request, const LevelVersion& policy) const {
    std::vector<ObjectPtr> pods = by_priority(lookup_.list("", "pods", request.name));
    MonoTime deadline = loop_.mono() + kMaxCheckTime;
    std::map<std::string, Offenders> offenders;
    size_t checked = 0;
    while (checked < std::min(pods.size(), kMaxPodsToCheck)) {
      core_v1::Pod pod(*pods[checked++]);
      std::vector<Violation> found = evaluate(policy, of_pod(pod));
      if (!found.empty()) offenders[pod_security::reasons(found)].add(pod.metadata().name());
      if (loop_.mono() > deadline) break;
    }
    if (checked < pods.size()) {
      warn(request, "new PodSecurity enforce level only checked against the first " +
                        std::to_string(checked) + " of " + std::to_string(pods.size()) +
                        " existing pods");
    }
    if (offenders.empty()) return;
    warn(request, "existing pods in namespace " + go_quote(request.name) +
                      " violate the new PodSecurity enforce level " + go_quote(policy.text()));
    std::vector<std::string> lines;
    for (const auto& [why, who] : offenders) lines.push_back(who.text() + ": " + why);
    std::sort(lines.begin(), lines.end());
    for (std::string& line : lines) warn(request, std::move(line));
  }

  const Lookup& lookup_;
  Loop& loop_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_security(const AdmissionParts& parts) {
  return std::make_unique<PodSecurity>(*parts.lookup, *parts.loop);
}

}  // namespace tiphys::apiserver
