#include "apiserver/authz/rule.h"

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using Texts = ListView<std::string_view>;

bool contains_or_all(const Texts& list, std::string_view wanted) {
  for (std::string_view item : list) {
    if (item == "*" || item == wanted) return true;
  }
  return false;
}

// "*/scale" stands for that subresource of everything.
bool is_all_of(std::string_view item, std::string_view subresource) {
  return item.size() == subresource.size() + 2 && item.starts_with("*/") &&
         item.ends_with(subresource);
}

bool matches_resource(const Texts& list, const Attributes& attributes) {
  for (std::string_view item : list) {
    if (item == "*") return true;
    if (attributes.subresource.empty()) {
      if (item == attributes.resource) return true;
      continue;
    }
    bool same = item.size() == attributes.resource.size() + 1 + attributes.subresource.size() &&
                item.starts_with(attributes.resource) && item[attributes.resource.size()] == '/' &&
                item.ends_with(attributes.subresource);
    if (same || is_all_of(item, attributes.subresource)) return true;
  }
  return false;
}

bool matches_name(const Texts& names, std::string_view name) {
  if (names.empty()) return true;
  for (std::string_view item : names) {
    if (item == name) return true;
  }
  return false;
}

bool url_covers(std::string_view pattern, std::string_view path) {
  if (pattern == "*" || pattern == path) return true;
  if (!pattern.ends_with('*')) return false;
  while (pattern.ends_with('*')) pattern.remove_suffix(1);
  return path.starts_with(pattern);
}

bool matches_url(const Texts& urls, std::string_view path) {
  for (std::string_view item : urls) {
    if (url_covers(item, path)) return true;
  }
  return false;
}

std::vector<std::string> copy(const Texts& list) { return {list.begin(), list.end()}; }

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool has_all(const std::vector<std::string>& list, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& text) { return has(list, text); });
}

bool resources_cover(const std::vector<std::string>& owned,
                     const std::vector<std::string>& wanted) {
  if (has(owned, "*") || has_all(owned, wanted)) return true;
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
    if (has(owned, text)) return true;
    size_t slash = text.find('/');
    return slash != text.npos && has(owned, "*" + text.substr(slash));
  });
}

bool urls_cover(const std::vector<std::string>& owned, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& path) {
    return std::any_of(owned.begin(), owned.end(),
                       [&](const std::string& pattern) { return url_covers(pattern, path); });
  });
}

bool rule_covers(const Rule& owned, const Rule& wanted) {
  bool verbs = has(owned.verbs, "*") || has_all(owned.verbs, wanted.verbs);
  bool groups = has(owned.groups, "*") || has_all(owned.groups, wanted.groups);
  // Without names a rule is for all of them; one for all is covered only by another for all.
  bool names = owned.names.empty() || (!wanted.names.empty() && has_all(owned.names, wanted.names));
  return verbs && groups && names && resources_cover(owned.resources, wanted.resources) &&
         urls_cover(owned.urls, wanted.urls);
}

void add_list(std::string& out, const char* name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  if (out.size() > 1) out += ", ";
  out += std::string(name) + ":[";
  for (size_t i = 0; i < list.size(); i++) {
    if (i > 0) out += ' ';
    out += go_quote(list[i]);
  }
  out += ']';
}

// A list to go through once even if it is empty.
std::vector<std::vector<std::string>> singles(const std::vector<std::string>& list) {
  if (list.empty()) return {{}};
  std::vector<std::vector<std::string>> result;
  for (const std::string& text : list) result.push_back({text});
  return result;
}

}  // namespace

bool rule_allows(const rbac_v1::PolicyRule& rule, const Attributes& attributes) {
  if (!contains_or_all(rule.verbs(), attributes.verb)) return false;
  if (!attributes.is_resource) return matches_url(rule.non_resource_urls(), attributes.path);
  return contains_or_all(rule.api_groups(), attributes.group) &&
         matches_resource(rule.resources(), attributes) &&
         matches_name(rule.resource_names(), attributes.name);
}

Rule Rule::of(const rbac_v1::PolicyRule& rule) {
  return {copy(rule.verbs()), copy(rule.api_groups()), copy(rule.resources()),
          copy(rule.resource_names()), copy(rule.non_resource_urls())};
}

std::string Rule::text() const {
  std::string out = "{";
  add_list(out, "APIGroups", groups);
  add_list(out, "Resources", resources);
  add_list(out, "NonResourceURLs", urls);
  add_list(out, "ResourceNames", names);
  add_list(out, "Verbs", verbs);
  return out + "}";
}

std::vector<Rule> break_down(const Rule& rule) {
  std::vector<Rule> result;
  for (const auto& group : singles(rule.groups)) {
    for (const auto& resource : singles(rule.resources)) {
      for (const std::string& verb : rule.verbs) {
        if (group.empty() || resource.empty()) continue;
        for (const auto& name : singles(rule.names)) {
          result.push_back({{verb}, group, resource, name, {}});
        }
      }
    }
  }
  for (const std::string& url : rule.urls) {
    for (const std::string& verb : rule.verbs) result.push_back({{verb}, {}, {}, {}, {url}});
  }
  return result;
}

bool covers(const std::vector<Rule>& owned, const std::vector<Rule>& wanted,
            std::vector<Rule>* missing) {
  bool all = true;
  for (const Rule& whole : wanted) {
    for (const Rule& part : break_down(whole)) {
      bool covered = std::any_of(owned.begin(), owned.end(),
                                 [&](const Rule& rule) { return rule_covers(rule, part); });
      if (covered) continue;
      all = false;
      if (missing) missing->push_back(part);
    }
  }
  return all;
}

std::vector<Rule> compact(const std::vector<Rule>& rules) {
  std::vector<Rule> result;
  for (const Rule& rule : rules) {
    bool simple = rule.groups.size() == 1 && rule.resources.size() == 1 && rule.urls.empty();
    auto same = std::find_if(result.begin(), result.end(), [&](const Rule& other) {
      return simple && other.groups == rule.groups && other.resources == rule.resources &&
             other.names == rule.names && other.urls.empty();
    });
    if (same == result.end()) {
      result.push_back(rule);
      continue;
    }
    for (const std::string& verb : rule.verbs) {
      if (!has(same->verbs, verb)) same->verbs.push_back(verb);
    }
  }
  return result;
}

}  // namespace tiphys::apiserver
