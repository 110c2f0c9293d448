#include "apiserver/authz/escalation.h"

#include <set>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// As Go's %q prints a slice of strings.
std::string quoted(const std::vector<std::string>& list) {
  std::string out = "[";
  for (size_t i = 0; i < list.size(); i++) {
    if (i > 0) out += ' ';
    out += go_quote(list[i]);
  }
  return out + "]";
}

}  // namespace

Result<void> check_no_escalation(const RbacAuthorizer& rbac, const UserInfo& user,
                                 std::string_view ns, std::string_view resource,
                                 std::string_view name, const std::vector<Rule>& rules) {
  std::vector<std::string> errors;
  std::vector<Rule> missing;
  if (covers(rbac.rules_for(user, ns, &errors), rules, &missing)) return {};
  std::set<std::string> texts;
  for (const Rule& rule : compact(missing)) texts.insert(rule.text());
  std::string why = "user " + go_quote(user.name) + " (groups=" + quoted(user.groups) +
                    ") is attempting to grant RBAC permissions not currently held:\n" +
                    join({texts.begin(), texts.end()}, "\n");
  if (!errors.empty()) why += "; resolution errors: [" + join(errors, ", ") + "]";
  return ApiStatus::forbidden("rbac.authorization.k8s.io", resource, name, why);
}

}  // namespace tiphys::apiserver
