#include "apiserver/authz/modes.h"

#include "base/strings.h"

namespace tiphys::apiserver {

Result<std::vector<AuthorizationMode>> parse_authorization_modes(std::string_view flag) {
  struct Row {
    std::string_view name;
    AuthorizationMode mode;
  };
  static constexpr Row kRows[] = {{"AlwaysAllow", AuthorizationMode::kAlwaysAllow},
                                  {"AlwaysDeny", AuthorizationMode::kAlwaysDeny},
                                  {"Node", AuthorizationMode::kNode},
                                  {"RBAC", AuthorizationMode::kRbac}};
  std::vector<AuthorizationMode> modes;
  if (flag.empty()) return ApiStatus::internal("at least one authorization-mode must be passed");
  for (std::string_view name : split(flag, ',')) {
    if (name == "ABAC" || name == "Webhook") {
      return ApiStatus::internal("authorization-mode " + go_quote(name) + " is not supported");
    }
    const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                  [&](const Row& r) { return r.name == name; });
    if (row == std::end(kRows)) {
      return ApiStatus::internal("authorization-mode " + go_quote(name) + " is not a valid mode");
    }
    if (std::find(modes.begin(), modes.end(), row->mode) != modes.end()) {
      return ApiStatus::internal("authorization-mode " + go_quote(flag) +
                                 " has mode specified more than once");
    }
    modes.push_back(row->mode);
  }
  return modes;
}

Result<std::unique_ptr<AllowedPaths>> AllowedPaths::create(const std::vector<std::string>& paths) {
  auto made = std::make_unique<AllowedPaths>();
  for (const std::string& text : paths) {
    std::string_view path = cut_prefix(text, "/").value_or(text);
    size_t star = path.find('*');
    if (star == path.npos) {
      made->paths_.emplace_back(path);
    } else if (star + 1 == path.size()) {
      made->prefixes_.emplace_back(path.substr(0, star));
    } else {
      return ApiStatus::internal("only trailing * allowed in " + go_quote(text));
    }
  }
  return made;
}

Verdict AllowedPaths::authorize(const UserInfo&, const Attributes& attributes) {
  if (attributes.is_resource) return {};
  std::string_view path = cut_prefix(attributes.path, "/").value_or(attributes.path);
  bool open = std::find(paths_.begin(), paths_.end(), path) != paths_.end();
  for (const std::string& prefix : prefixes_) open |= path.starts_with(prefix);
  return open ? Verdict{Decision::kAllow, ""} : Verdict{};
}

Verdict ModeAuthorizer::authorize(const UserInfo& user, const Attributes& attributes) {
  if (user.in_group(kSystemMasters)) return {Decision::kAllow, ""};
  Verdict all;
  for (Authorizer* authorizer : authorizers_) {
    Verdict verdict = authorizer->authorize(user, attributes);
    if (verdict.decision != Decision::kNoOpinion) return verdict;
    if (verdict.reason.empty()) continue;
    if (!all.reason.empty()) all.reason += '\n';
    all.reason += verdict.reason;
  }
  return all;
}

}  // namespace tiphys::apiserver
