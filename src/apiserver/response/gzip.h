// gzip of whole bodies. Pure; safe from any thread.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::apiserver {

inline constexpr size_t kMinGzipBytes = 128 * 1024;  // upstream's defaultGzipThresholdBytes

std::string gzip(std::string_view bytes);  // level 1; empty if it failed

}  // namespace tiphys::apiserver
