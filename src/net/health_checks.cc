#include "net/health_checks.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/strings.h"
#include "net/text_response.h"

namespace tiphys::net {
namespace {

// What a check is called when a query excludes it.
std::set<std::string> excluded_by(std::string_view query) {
  std::set<std::string> out;
  for (std::string_view pair : split(query, '&')) {
    size_t equals = pair.find('=');
    if (equals == pair.npos || pair.substr(0, equals) != "exclude") continue;
    std::optional<std::string> name = percent_decode(pair.substr(equals + 1), true);
    if (name) out.insert(std::move(*name));
  }
  return out;
}

// "verbose" or "verbose=anything".
bool is_verbose(std::string_view query) {
  return std::ranges::any_of(split(query, '&'), [](std::string_view pair) {
    return pair.substr(0, pair.find('=')) == "verbose";
  });
}

std::string warning_of(const std::set<std::string>& unknown) {
  if (unknown.empty()) return "";
  std::vector<std::string> quoted;
  for (const std::string& name : unknown) quoted.push_back(go_quote(name));
  return "warn: some health checks cannot be excluded: no matches for " + join(quoted, ", ") + "\n";
}

Response answer_one(const HealthCheck& check) {
  Result<void> passed = check.check();
  if (passed) return text_response(200, "ok");
  return text_response(500, "internal server error: " + passed.error().message() + "\n");
}

}  // namespace

HealthCheck answers(std::string name) {
  return {std::move(name), [] { return Result<void>(); }};
}

HealthChecks::Counts::Counts()
    : last(registry.gauge("kubernetes_healthcheck",
                          "[STABLE] This metric records the result of a single healthcheck.",
                          {"name", "type"})),
      total(registry.counter("kubernetes_healthchecks_total",
                             "[STABLE] This metric records the results of all healthcheck.",
                             {"name", "status", "type"})) {}

HealthChecks::HealthChecks() : counts_(std::make_unique<Counts>()) {}

void HealthChecks::serve(std::string root, std::vector<HealthCheck> checks) {
  roots_.insert_or_assign(std::move(root), std::move(checks));
}

void HealthChecks::add(const std::string& root, HealthCheck check) {
  roots_[root].push_back(std::move(check));
}

HealthChecks::Asked HealthChecks::asked(std::string_view path) const {
  if (!path.starts_with('/')) return {};
  path.remove_prefix(1);
  size_t slash = std::min(path.find('/'), path.size());
  auto root = roots_.find(path.substr(0, slash));
  if (root == roots_.end()) return {};
  return {&*root, path.substr(std::min(slash + 1, path.size()))};
}

std::optional<Response> HealthChecks::answer(std::string_view path, std::string_view query) {
  Asked what = asked(path);
  if (!what.root) return std::nullopt;
  if (what.check.empty()) return answer_root(what.root->first, query);
  auto check = std::ranges::find(what.root->second, what.check, &HealthCheck::name);
  if (check == what.root->second.end()) return std::nullopt;
  return answer_one(*check);
}

bool HealthChecks::runs(std::string_view path, std::string_view query,
                        std::string_view check) const {
  Asked what = asked(path);
  if (!what.root) return false;
  auto found = std::ranges::find(what.root->second, check, &HealthCheck::name);
  if (found == what.root->second.end()) return false;
  if (!what.check.empty()) return what.check == check;
  return !excluded_by(query).contains(std::string(check));
}

// True: it passed.
bool HealthChecks::run(const std::string& root, const HealthCheck& check) {
  Result<void> passed = check.check();
  bool good = passed.has_value();
  counts_->last.with({check.name, root}).set(good ? 1 : 0);
  counts_->total.with({check.name, good ? "success" : "error", root}).add();
  if (!good) LOG_V(2, root + " check failed", {"check", check.name}, {"err", passed.error()});
  return good;
}

Response HealthChecks::answer_root(const std::string& root, std::string_view query) {
  std::set<std::string> excluded = excluded_by(query);
  std::string report;
  bool good = true;
  for (const HealthCheck& check : roots_.find(root)->second) {
    if (excluded.erase(check.name) > 0) {
      report += "[+]" + check.name + " excluded: ok\n";
    } else if (run(root, check)) {
      report += "[+]" + check.name + " ok\n";
    } else {
      good = false;
      report += "[-]" + check.name + " failed: reason withheld\n";
    }
  }
  report += warning_of(excluded);
  if (!good) return text_response(500, report + root + " check failed\n");
  return text_response(200, is_verbose(query) ? report + root + " check passed\n" : "ok");
}

Response HealthChecks::slis(std::string_view method) {
  if (method != "DELETE") return text_response(200, counts_->registry.text(), kMetricsText);
  counts_ = std::make_unique<Counts>();
  return text_response(200, "metrics reset\n");
}

}  // namespace tiphys::net
