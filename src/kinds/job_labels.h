// The labels that the API server gives the pods of a Job, and its generated selector looks for.
// Upstream: pkg/registry/batch/job/strategy.go. Pure.
#pragma once
#include <array>
#include <string_view>
#include <utility>

namespace tiphys::kinds {

inline constexpr std::string_view kJobNameLabel = "batch.kubernetes.io/job-name";
inline constexpr std::string_view kJobControllerUidLabel = "batch.kubernetes.io/controller-uid";
inline constexpr std::string_view kLegacyJobNameLabel = "job-name";
inline constexpr std::string_view kLegacyJobControllerUidLabel = "controller-uid";

// Label and value, as views of the arguments.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> job_labels(
    std::string_view name, std::string_view uid) {
  return {{{kLegacyJobControllerUidLabel, uid},
           {kLegacyJobNameLabel, name},
           {kJobControllerUidLabel, uid},
           {kJobNameLabel, name}}};
}

}  // namespace tiphys::kinds
