// CertificateSigningRequests: who asked is what the request says, the spec never changes, approvals
// and certificates come through their own subresources and stay.
// Upstream: pkg/registry/certificates/certificates, pkg/apis/certificates/validation.
#include <set>

#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/certificate_pem.h"
#include "apiserver/validation/internal_form.h"
#include "base/strings.h"
#include "kinds/certificates_v1.h"

namespace tiphys::apiserver {
namespace {

using certificates_v1::CertificateSigningRequest;
using certificates_v1::CertificateSigningRequestEdit;
using certificates_v1::CertificateSigningRequestStatus;
using Conditions = ListView<certificates_v1::CertificateSigningRequestCondition>;

constexpr std::string_view kFinal[] = {"Approved", "Denied", "Failed"};

void prepare_create(const StrategyContext& context, Draft& object) {
  CertificateSigningRequestEdit edit(object);
  edit.clear_status();
  edit.edit_status();
  auto spec = edit.edit_spec();
  spec.clear_username();
  spec.clear_uid();
  spec.clear_groups();
  spec.clear_extra();
  if (!context.user) return;
  spec.set_username(context.user->name);
  spec.set_uid(context.user->uid);
  for (const std::string& group : context.user->groups) spec.edit_groups().append(group);
  if (context.user->extra.empty()) return;
  auto extra = spec.edit_extra();
  for (const auto& [key, values] : context.user->extra) {
    auto list = extra.edit(key);
    for (const std::string& value : values) list.append(value);
  }
}

// The time of a condition's last transition: kept while the condition stays what it is.
MicroTime transition_time(std::string_view type, std::string_view status, const Conditions& old,
                          MicroTime now) {
  for (const auto& condition : old) {
    bool same = condition.type() == type && condition.status() == status;
    if (same && condition.has_last_transition_time()) return condition.last_transition_time();
  }
  return now;
}

void stamp_conditions(CertificateSigningRequestEdit edit, const Conditions& old, MicroTime now) {
  if (!edit.view().status().has_conditions()) return;
  auto conditions = edit.edit_status().edit_conditions();
  for (size_t i = 0; i < conditions.size(); ++i) {
    auto condition = conditions[i];
    auto view = condition.view();
    if (!view.has_last_update_time()) condition.set_last_update_time(now);
    if (view.has_last_transition_time()) continue;
    condition.set_last_transition_time(transition_time(view.type(), view.status(), old, now));
  }
}

using Found = std::vector<certificates_v1::CertificateSigningRequestCondition>;

Found of_type(const Conditions& conditions, std::string_view type) {
  Found found;
  for (const auto& condition : conditions) {
    if (condition.type() == type) found.push_back(condition);
  }
  return found;
}

// Verdicts come by approval: where their number stays, so do they.
void keep_verdicts(CertificateSigningRequestEdit edit, const Conditions& old,
                   std::string_view type) {
  Conditions now = edit.view().status().conditions();
  Found before = of_type(old, type);
  if (before.empty() || of_type(now, type).size() != before.size()) return;
  Found kept;
  size_t next = 0;
  for (const auto& condition : now) {
    kept.push_back(condition.type() == type ? before[next++] : condition);
  }
  auto conditions = edit.edit_status().edit_conditions();
  conditions.clear();
  for (const auto& condition : kept) conditions.append(condition);
}

void prepare_update(const StrategyContext& context, Draft& object, const Object& before) {
  CertificateSigningRequest old(before);
  CertificateSigningRequestEdit edit(object);
  edit.set_spec(old.spec());
  if (context.subresource.empty()) return;
  if (context.subresource == "status") {
    for (std::string_view type : {"Approved", "Denied"}) {
      keep_verdicts(edit, old.status().conditions(), type);
    }
  }
  stamp_conditions(edit, old.status().conditions(), context.now);
  if (context.subresource != "approval") return;
  edit.edit_status().clear_certificate();
  if (old.status().has_certificate()) {
    edit.edit_status().set_certificate(old.status().certificate());
  }
}

bool is_final(std::string_view type) {
  return std::find(std::begin(kFinal), std::end(kFinal), type) != std::end(kFinal);
}

// What an old object may have wrong, and keep.
struct Tolerated {
  bool both_verdicts = false;
  bool duplicate_types = false;
  bool empty_types = false;
  bool any_certificate = false;

  static Tolerated of(const CertificateSigningRequestStatus& old) {
    Tolerated tolerated;
    std::set<std::string_view> types;
    for (const auto& condition : old.conditions()) {
      tolerated.duplicate_types |= !types.insert(condition.type()).second;
      tolerated.empty_types |= condition.type().empty();
    }
    tolerated.both_verdicts = types.contains("Approved") && types.contains("Denied");
    tolerated.any_certificate = !certificate_pem_problem(old.certificate()).empty();
    return tolerated;
  }
};

void check_condition_status(std::string_view type, std::string_view status, const FieldPath& path,
                            FieldErrors& errors) {
  static constexpr std::string_view kAll[] = {"False", "True", "Unknown"};
  std::span<const std::string_view> allowed(kAll);
  if (is_final(type)) allowed = allowed.subspan(1, 1);
  if (status.empty()) {
    errors.required(path);
  } else if (std::find(allowed.begin(), allowed.end(), status) == allowed.end()) {
    errors.not_supported(path, status, allowed);
  }
}

void check_conditions(const Conditions& conditions, const Tolerated& tolerated,
                      FieldErrors& errors) {
  FieldPath list = FieldPath("status").child("conditions");
  std::set<std::string_view> types;
  for (size_t i = 0; i < conditions.size(); ++i) {
    FieldPath path = list.index(i);
    std::string_view type = conditions[i].type();
    if (type.empty() && !tolerated.empty_types) errors.required(path.child("type"));
    check_condition_status(type, conditions[i].status(), path.child("status"), errors);
    std::string_view other = type == "Approved" ? "Denied" : type == "Denied" ? "Approved" : "";
    if (!other.empty() && types.contains(other) && !tolerated.both_verdicts) {
      errors.invalid(list, type, "Approved and Denied conditions are mutually exclusive");
    }
    bool fresh = types.insert(type).second;
    if (!fresh && !tolerated.duplicate_types) errors.duplicate(path.child("type"), type);
  }
}

bool same(const Found& a, const Found& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return equal(x, y); });
}

std::string changes_of(const Found& before, const Found& after) {
  auto nodes = [](const Found& found) {
    std::vector<const Node*> nodes;
    for (const auto& condition : found) nodes.push_back(&condition.node());
    return nodes;
  };
  return internal_diff(certificates_v1::CertificateSigningRequestCondition::message_type(),
                       nodes(before), nodes(after));
}

void check_verdicts(const Conditions& now, const Conditions& old, bool may_set,
                    FieldErrors& errors) {
  FieldPath path = FieldPath("status").child("conditions");
  auto refuse = [&](const char* what, std::string_view type, const std::string& changes = {}) {
    errors.forbidden(path, std::string("updates may not ") + what + " a condition of type " +
                               go_quote(type) + changes);
  };
  for (std::string_view type : kFinal) {
    if (of_type(now, type).size() < of_type(old, type).size()) refuse("remove", type);
  }
  if (may_set) return;
  for (std::string_view type : {"Approved", "Denied"}) {
    Found after = of_type(now, type);
    Found before = of_type(old, type);
    if (after.size() > before.size()) {
      refuse("add", type);
    } else if (!same(after, before)) {
      refuse("modify", type, "\n" + changes_of(before, after));
    }
  }
}

void check_certificate(std::string_view now, std::string_view old, bool may_set,
                       FieldErrors& errors) {
  if (now == old) return;
  FieldPath path = FieldPath("status").child("certificate");
  if (!may_set) {
    errors.forbidden(path, "updates may not set certificate content");
  } else if (!old.empty()) {
    errors.forbidden(path, "updates may not modify existing certificate content");
  }
}

void validate_update(const StrategyContext& context, const Object& object, const Object& before,
                     FieldErrors& errors) {
  CertificateSigningRequestStatus now = CertificateSigningRequest(object).status();
  CertificateSigningRequestStatus old = CertificateSigningRequest(before).status();
  Tolerated tolerated = Tolerated::of(old);
  check_conditions(now.conditions(), tolerated, errors);
  std::string problem = certificate_pem_problem(now.certificate());
  if (!problem.empty() && !tolerated.any_certificate) {
    errors.invalid(FieldPath("status").child("certificate"), "<certificate data>", problem);
  }
  bool approving = context.subresource == "approval";
  check_verdicts(now.conditions(), old.conditions(), approving, errors);
  check_certificate(now.certificate(), old.certificate(), context.subresource == "status", errors);
}

}  // namespace

Strategy certificate_signing_request_strategy() {
  return {.prepare_for_create = prepare_create,
          .prepare_for_update = prepare_update,
          .validate_update = validate_update};
}

}  // namespace tiphys::apiserver
