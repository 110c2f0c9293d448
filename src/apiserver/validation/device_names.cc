#include "apiserver/validation/device_names.h"

#include <algorithm>
#include <set>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr int kMaxPoolBytes = 253;
constexpr int kMaxIdentifierBytes = 32;
constexpr int kMaxDriverJsonBytes = 10 * 1024;
constexpr int kMaxBindingConditions = 4;
constexpr size_t kLabelBytes = 63;
constexpr size_t kMinShownBytes = 16;

constexpr std::string_view kIdentifierMessage =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of "
    "alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for "
    "validation is '[A-Za-z_][A-Za-z0-9_]*')";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void check_identifier(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  if (text.size() > kMaxIdentifierBytes) errors.too_long(path, kMaxIdentifierBytes);
  bool valid = !text.empty() && !is_digit(text[0]) && std::ranges::all_of(text, is_word);
  if (!valid) errors.invalid(path, text, kIdentifierMessage);
}

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool has_uuid_form(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kForm,
                            [](char c, char form) { return form == '-' ? c == '-' : is_hex(c); });
}

// What github.com/google/uuid, which reads other forms too, says of a text. Empty: nothing.
std::string uuid_problem(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  switch (text.size()) {
    case 32:
      return std::ranges::all_of(text, is_hex) ? "" : "invalid UUID format";
    case 36:
      break;
    case 38:
      if (text.front() != '{' || text.back() != '}') return "invalid bracketed UUID format";
      text = text.substr(1, 36);
      break;
    case 45:
      if (to_lower(text.substr(0, kUrn.size())) != kUrn) {
        return "invalid urn prefix: " + go_quote(text.substr(0, kUrn.size()));
      }
      text.remove_prefix(kUrn.size());
      break;
    default:
      return "invalid UUID length: " + std::to_string(text.size());
  }
  return has_uuid_form(text) ? "" : "invalid UUID format";
}

// At most `kMaxBindingConditions`, each a qualified name.
void check_condition_names(const ListView<std::string_view>& names, const FieldPath& path,
                           FieldErrors& errors) {
  if (names.size() > kMaxBindingConditions) {
    return errors.too_many(path, static_cast<int>(names.size()), kMaxBindingConditions);
  }
  size_t i = 0;
  for (std::string_view name : names) {
    errors.invalid_all(path.index(i++), name, check_qualified_name(name));
  }
}

}  // namespace

void check_pool_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) return errors.required(path);
  if (name.size() > kMaxPoolBytes) errors.too_long(path, kMaxPoolBytes);
  for (std::string_view part : split(name, '/')) {
    errors.invalid_all(path, part, check_dns1123_subdomain(part));
  }
}

void check_device_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  errors.invalid_all(path, name, check_dns1123_label(name));
}

void check_share_id(std::string_view id, const FieldPath& path, FieldErrors& errors) {
  std::string problem = uuid_problem(id);
  if (!problem.empty()) {
    errors.invalid(path, id, "error validating uid: " + problem);
  } else if (!has_uuid_form(id) || to_lower(id) != id) {
    errors.invalid(path, id,
                   "uid must be in RFC 4122 normalized form, "
                   "`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters");
  }
}

// Of names with more than one slash upstream checks nothing.
void check_device_key(std::string_view key, const FieldPath& path, FieldErrors& errors) {
  std::vector<std::string_view> parts = split(key, '/');
  if (parts.size() == 1) return check_identifier(key, path, errors);
  if (parts.size() > 2) return;
  if (parts[0].empty()) {
    errors.invalid(path, "", "the domain must not be empty");
  } else {
    check_driver_name(parts[0], path, errors);
  }
  if (parts[1].empty()) {
    errors.invalid(path, "", "the name must not be empty");
  } else {
    check_identifier(parts[1], path, errors);
  }
}

void check_full_device_key(std::string_view key, const FieldPath& path, FieldErrors& errors) {
  check_device_key(key, path, errors);
  if (key.find('/') != std::string_view::npos) return;
  errors.invalid(path, key,
                 "a fully qualified name must be a domain and a name separated by a slash");
}

FieldPath entry_path(const FieldPath& map, std::string_view key, size_t max_bytes) {
  constexpr std::string_view kEllipsis = "...";
  max_bytes = std::max(max_bytes, kMinShownBytes);
  if (key.size() <= max_bytes) return map.key(key);
  size_t rest = max_bytes - kEllipsis.size();
  std::string shown(key.substr(0, (rest + 1) / 2));
  shown.append(kEllipsis).append(key.substr(key.size() - rest / 2));
  return map.key(shown);
}

void check_driver_json(std::string_view json, bool stored, const FieldPath& path,
                       FieldErrors& errors) {
  constexpr std::string_view kOmitted = "<value omitted>";
  if (json.empty()) return errors.required(path);
  if (!stored && json.size() > kMaxDriverJsonBytes) {
    return errors.too_long(path, kMaxDriverJsonBytes);
  }
  Arena arena;
  Result<Value> value = codec::decode_json_any(json, arena);
  if (!value) {
    errors.invalid(path, kOmitted, "error parsing data as JSON: " + value.error().message());
  } else if (value->is_null()) {
    errors.required(path);
  } else if (value->type != ValueType::kMap) {
    errors.invalid(path, kOmitted, "must be a valid JSON object");
  }
}

void check_device_configuration(resource_v1::DeviceConfiguration configuration, bool stored,
                                const FieldPath& path, FieldErrors& errors) {
  FieldPath opaque = path.child("opaque");
  if (!configuration.has_opaque()) return errors.required(opaque);
  check_driver_name(configuration.opaque().driver(), opaque.child("driver"), errors);
  check_driver_json(configuration.opaque().parameters(), stored, opaque.child("parameters"),
                    errors);
}

void check_binding_conditions(const ListView<std::string_view>& conditions,
                              const ListView<std::string_view>& failures, const FieldPath& path,
                              FieldErrors& errors) {
  FieldPath conditions_path = path.child("bindingConditions");
  FieldPath failures_path = path.child("bindingFailureConditions");
  check_condition_names(conditions, conditions_path, errors);
  check_condition_names(failures, failures_path, errors);
  std::set<std::string_view> seen;
  size_t i = 0;
  for (std::string_view name : conditions) {
    if (!seen.insert(name).second) errors.duplicate(conditions_path.index(i), name);
    ++i;
  }
  std::set<std::string_view> seen_failures;
  i = 0;
  for (std::string_view name : failures) {
    FieldPath at = failures_path.index(i++);
    if (!seen_failures.insert(name).second) errors.duplicate(at, name);
    if (!seen.contains(name)) continue;
    errors.invalid(at, name, "bindingFailureConditions must not overlap with bindingConditions");
  }
  if (conditions.empty() && !failures.empty()) {
    errors.invalid_raw(conditions_path, "null",
                       "bindingConditions are required to use bindingFailureConditions");
  }
  if (failures.empty() && !conditions.empty()) {
    errors.invalid_raw(failures_path, "null",
                       "bindingFailureConditions are required to use bindingConditions");
  }
}

void call_pool_name(const RuleInput& input, FieldErrors& errors) {
  check_pool_name(input.value.as_text(), input.path, errors);
}

void call_counter_names(const RuleInput& input, FieldErrors& errors) {
  for (auto entry : MapView<resource_v1::Counter>(input.value.as_node())) {
    check_device_name(entry.key, entry_path(input.path, entry.key, kLabelBytes), errors);
  }
}

}  // namespace tiphys::apiserver
