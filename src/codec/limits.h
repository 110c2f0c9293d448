// Named limits of the decoders. Each has a test at the limit.
#pragma once
#include <cstddef>

namespace tiphys::codec {

inline constexpr size_t kMaxBodyBytes = 3 * 1024 * 1024;  // a request body, upstream's limit
inline constexpr int kMaxJsonDepth = 10'000;              // encoding/json's maxNestingDepth
inline constexpr int kMaxTreeDepth = 2'000;               // of a decoded tree: code recurses in it
inline constexpr int kMaxYamlDepth = 1'000;
inline constexpr size_t kMaxYamlAliasBytes = 4 * 1024 * 1024;  // JSON that aliases may add
inline constexpr int kMaxProtobufDepth = kMaxTreeDepth;
inline constexpr size_t kMaxProblems = 100;  // notes kept of one decode

}  // namespace tiphys::codec
