// Levels and stages of the audit log, under their names in audit.k8s.io/v1. Values; pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace tiphys::apiserver::audit {

enum class Level : uint8_t { kNone, kMetadata, kRequest, kRequestResponse };  // ever more
inline constexpr std::string_view kLevelNames[] = {"None", "Metadata", "Request",
                                                   "RequestResponse"};

enum class Stage : uint8_t { kRequestReceived, kResponseStarted, kResponseComplete, kPanic };
inline constexpr std::string_view kStageNames[] = {"RequestReceived", "ResponseStarted",
                                                   "ResponseComplete", "Panic"};

inline std::string_view name_of(Level level) { return kLevelNames[static_cast<size_t>(level)]; }
inline std::string_view name_of(Stage stage) { return kStageNames[static_cast<size_t>(stage)]; }

inline std::optional<Level> parse_level(std::string_view name) {
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (kLevelNames[i] == name) return static_cast<Level>(i);
  }
  return std::nullopt;
}

// A set of stages.
class Stages {
 public:
  void add(Stage stage) { bits_ |= bit(stage); }
  void add(Stages other) { bits_ |= other.bits_; }
  bool has(Stage stage) const { return (bits_ & bit(stage)) != 0; }
  bool operator==(const Stages&) const = default;

 private:
  static unsigned bit(Stage stage) { return 1U << static_cast<unsigned>(stage); }
  unsigned bits_ = 0;
};

}  // namespace tiphys::apiserver::audit
