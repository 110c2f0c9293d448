// Rule: one row of api/v1.35/validation.json, compiled into a constant table of its message.
//
// Read-only; safe from any thread. What each kind of rule reports and how rows are written stands
// in api/v1.35/README.md; the walker over them is apiserver/validation/rules.h.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace tiphys::schema {

inline constexpr size_t kMaxRuleDepth = 4;

// Field indexes that lead from a message to one of its fields, through structs. Depth 0: the
// message itself.
struct RulePath {
  uint16_t steps[kMaxRuleDepth] = {0, 0, 0, 0};
  uint8_t depth = 0;
  bool each = false;  // of a list: its items, one by one; of a map: its values
};

enum class RuleKind : uint8_t {
  kRequired,
  kForbidden,
  kInvalid,
  kEnum,
  kRange,
  kFormat,
  kMaxLength,
  kMaxItems,
  kUnique,
  kImmutable,
  kFixed,
  kOneOf,
  kRules,
  kCall,
};

// A row counts if the field is absent, is set, or has one of the values.
struct RuleWhen {
  RulePath path;
  bool set = false;                          // without values: set, or absent
  bool negate = false;                       // with values: none of them
  std::span<const std::string_view> values;  // numbers and bools in JSON's text
};

struct Rule {
  RuleKind kind = RuleKind::kRules;
  RulePath path;
  bool on_create = true;
  bool on_update = true;
  bool ratchet = false;    // an update that leaves the field as it was is not checked
  bool stop = false;       // if it fails, the rows of the same field right after it are left out
  bool with_zero = false;  // kEnum, kFormat, kRange: what is absent is checked as zero
  int64_t low = INT64_MIN;
  int64_t high = INT64_MAX;                 // kRange; the limit of kMaxLength and kMaxItems
  std::span<const std::string_view> texts;  // kEnum: supported values; kOneOf: members
  std::string_view name;                    // kFormat, kCall: which; kUnique: the key field
  std::string_view detail;                  // empty: the kind's own wording
  std::string_view value;                   // kInvalid: printed instead of the field's value
  std::span<const RuleWhen> when;           // all of them
};

}  // namespace tiphys::schema
