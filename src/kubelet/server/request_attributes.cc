#include "kubelet/server/request_attributes.h"

#include <array>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

struct Row {
  std::string_view first;
  std::string_view second;
};

constexpr std::array kVerbs = {Row{"POST", "create"}, Row{"GET", "get"}, Row{"PUT", "update"},
                               Row{"PATCH", "patch"}, Row{"DELETE", "delete"}};

// Paths with a subresource of their own, and those where nodes/proxy is enough, too.
constexpr std::array kOwn = {Row{"/stats", "stats"}, Row{"/metrics", "metrics"},
                             Row{"/logs", "log"}, Row{"/checkpoint", "checkpoint"}};
constexpr std::array kFine = {Row{"/pods", "pods"}, Row{"/healthz", "healthz"},
                              Row{"/configz", "configz"}, Row{"/statusz", "statusz"},
                              Row{"/runningpods", "pods"}};

bool is_at_or_below(std::string_view path, std::string_view root) {
  std::optional<std::string_view> rest = cut_prefix(path, root);
  return rest && (rest->empty() || rest->starts_with('/'));
}

}  // namespace

std::string_view request_verb(std::string_view method) {
  for (const Row& row : kVerbs) {
    if (row.first == method) return row.second;
  }
  return {};
}

std::vector<std::string> request_subresources(std::string_view path) {
  for (const Row& row : kOwn) {
    if (is_at_or_below(path, row.first)) return {std::string(row.second)};
  }
  for (const Row& row : kFine) {
    if (is_at_or_below(path, row.first)) return {std::string(row.second), "proxy"};
  }
  return {"proxy"};
}

}  // namespace tiphys::kubelet
