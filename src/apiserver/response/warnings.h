// Warning headers of an answer. Pure.
// Upstream: apiserver/pkg/endpoints/filters/warning.go, apimachinery/pkg/util/net/http.go.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::apiserver {

// Characters of all texts of an answer. Beyond it each text is cut to the second limit; what still
// comes after so many is dropped.
inline constexpr size_t kMaxWarningCharacters = 4 * 1024;
inline constexpr size_t kMaxCutWarningCharacters = 256;

// The headers' values, `299 - "text"`, in order. Each text once; texts with control characters or
// of invalid UTF-8 are left out.
std::vector<std::string> warning_headers(const std::vector<std::string>& texts);

}  // namespace tiphys::apiserver
