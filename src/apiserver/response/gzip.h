// gzip of whole bodies. Pure; safe from any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tiphys::apiserver {

inline constexpr size_t kMinGzipBytes = 128 * 1024;  // upstream's defaultGzipThresholdBytes

std::string gzip(std::string_view bytes);  // level 1; empty if it failed
// Nothing if the bytes are no gzip or hold more than max_bytes.
std::optional<std::string> gunzip(std::string_view bytes, size_t max_bytes);

}  // namespace tiphys::apiserver
