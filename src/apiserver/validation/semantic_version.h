// Versions as semver.org 2.0.0 has them. Pure.
#pragma once
#include <string_view>

namespace tiphys::apiserver {

bool is_semantic_version(std::string_view text);

}  // namespace tiphys::apiserver
