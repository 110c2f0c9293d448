#include "apiserver/audit/policy_file.h"

#include <algorithm>

#include "apiserver/registry/aggregate.h"
#include "apiserver/validation/names.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver::audit {
namespace {

constexpr std::string_view kApiVersion = "audit.k8s.io/v1";

std::string_view go_type(const Value& value) {
  switch (value.type) {
    case ValueType::kBool:
      return "bool";
    case ValueType::kInt:
    case ValueType::kDouble:
      return "number";
    case ValueType::kString:
      return "string";
    case ValueType::kList:
      return "array";
    default:
      return "object";
  }
}

// Where a value stands: as strict decoding names it ("rules[0].verbs") and as Go's decoder does
// ("PolicyRule.rules.verbs").
struct Place {
  std::string_view in;  // the struct's Go name
  std::string path;
  std::string names;

  Place member(std::string_view name) const {
    std::string dot = path.empty() ? "" : ".";
    return {in, path + dot + std::string(name), names + dot + std::string(name)};
  }
  Place item(std::string_view type, size_t position) const {
    return {type, path + "[" + std::to_string(position) + "]", names};
  }
};

// Reads a document into a policy. The first value of a wrong type is the failure.
class Reader {
 public:
  explicit Reader(std::vector<std::string>& problems) : problems_(problems) {}
  const std::optional<ApiStatus>& failure() const { return failure_; }

  Policy policy(const Value& root) {
    Place at{.in = "Policy", .path = "", .names = ""};
    check_members(root, at,
                  {"kind", "apiVersion", "metadata", "rules", "omitStages", "omitManagedFields"});
    Policy out;
    expect(member(root, "metadata"), at.member("metadata"), ValueType::kMap, "v1.ObjectMeta");
    out.omit_managed_fields = boolean(root, at, "omitManagedFields").value_or(false);
    stages_ = texts(root, at, "omitStages", "[]v1.Stage");
    each(root, at, "rules", "PolicyRule", "[]v1.PolicyRule",
         [&](const Value& value, const Place& place) { out.rules.push_back(rule(value, place)); });
    return out;
  }

  // Names as given, for validation: of the policy, and of each rule.
  const std::vector<std::string>& stages() const { return stages_; }
  struct RuleNames {
    std::string level;
    std::vector<std::string> stages;
  };
  const std::vector<RuleNames>& rule_names() const { return rule_names_; }

 private:
  static const Value& member(const Value& map, std::string_view name) {
    return map.as_node().find(name);
  }

  bool expect(const Value& value, const Place& at, ValueType type, std::string_view wanted) {
    if (value.is_null()) return false;
    if (value.type == type) return true;
    if (!failure_) {
      failure_ = ApiStatus::bad_request("failed decoding: json: cannot unmarshal " +
                                        std::string(go_type(value)) + " into Go struct field " +
                                        std::string(at.in) + "." + at.names + " of type " +
                                        std::string(wanted));
    }
    return false;
  }

  void check_members(const Value& map, const Place& at,
                     std::initializer_list<std::string_view> known) {
    const Node& node = map.as_node();
    for (uint32_t i = 0; i < node.entries(); ++i) {
      std::string_view name = node.data[2 * static_cast<size_t>(i)].as_text();
      if (std::ranges::find(known, name) != known.end()) continue;
      problems_.push_back("unknown field " + go_quote(at.member(name).path));
    }
  }

  std::string text(const Value& value, const Place& at, std::string_view type) {
    return expect(value, at, ValueType::kString, type) ? std::string(value.as_text()) : "";
  }

  std::optional<bool> boolean(const Value& map, const Place& at, std::string_view name) {
    const Value& value = member(map, name);
    if (!expect(value, at.member(name), ValueType::kBool, "bool")) return std::nullopt;
    return value.as_bool();
  }

  std::vector<std::string> texts(const Value& map, const Place& at, std::string_view name,
                                 std::string_view type = "[]string") {
    std::vector<std::string> out;
    const Value& list = member(map, name);
    Place place = at.member(name);
    if (!expect(list, place, ValueType::kList, type)) return out;
    for (const Value& item : list.as_node().items()) {
      out.push_back(text(item, place, type.substr(2)));
    }
    return out;
  }

  template <class Fn>
  void each(const Value& map, const Place& at, std::string_view name, std::string_view item_type,
            std::string_view type, Fn read) {
    const Value& list = member(map, name);
    Place place = at.member(name);
    if (!expect(list, place, ValueType::kList, type)) return;
    size_t position = 0;
    for (const Value& item : list.as_node().items()) {
      Place inner = place.item(item_type, position++);
      if (!item.is_null()) expect(item, place, ValueType::kMap, type.substr(2));
      read(item, inner);
    }
  }

  PolicyRule rule(const Value& value, const Place& at) {
    check_members(value, at,
                  {"level", "users", "userGroups", "verbs", "resources", "namespaces",
                   "nonResourceURLs", "omitStages", "omitManagedFields"});
    PolicyRule out;
    RuleNames names;
    names.level = text(member(value, "level"), at.member("level"), "v1.Level");
    out.users = texts(value, at, "users");
    out.user_groups = texts(value, at, "userGroups");
    out.verbs = texts(value, at, "verbs");
    each(value, at, "resources", "GroupResources", "[]v1.GroupResources",
         [&](const Value& item, const Place& place) {
           check_members(item, place, {"group", "resources", "resourceNames"});
           out.resources.push_back({text(member(item, "group"), place.member("group"), "string"),
                                    texts(item, place, "resources"),
                                    texts(item, place, "resourceNames")});
         });
    out.namespaces = texts(value, at, "namespaces");
    out.non_resource_urls = texts(value, at, "nonResourceURLs");
    names.stages = texts(value, at, "omitStages", "[]v1.Stage");
    out.omit_managed_fields = boolean(value, at, "omitManagedFields");
    rule_names_.push_back(std::move(names));
    return out;
  }

  std::vector<std::string>& problems_;
  std::optional<ApiStatus> failure_;
  std::vector<std::string> stages_;
  std::vector<RuleNames> rule_names_;
};

// ["a" "b"], as Go prints a list of texts in a field error.
std::string list_text(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) {
    if (out.size() > 1) out += ',';
    codec::append_json_string(item, out);
  }
  return out + "]";
}

Stages read_stages(const std::vector<std::string>& names, const FieldPath& path,
                   FieldErrors& errors) {
  Stages stages;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto* found = std::ranges::find(kStageNames, names[i]);
    if (found != std::end(kStageNames)) {
      stages.add(static_cast<Stage>(found - std::begin(kStageNames)));
      continue;
    }
    errors.invalid(path.index(i), names[i],
                   "allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic");
  }
  return stages;
}

Level read_level(const std::string& name, const FieldPath& path, FieldErrors& errors) {
  std::optional<Level> level = parse_level(name);
  if (name.empty()) {
    errors.required(path);
  } else if (!level) {
    errors.not_supported(path, name, kLevelNames);
  }
  return level.value_or(Level::kNone);
}

void check_urls(const std::vector<std::string>& urls, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < urls.size(); ++i) {
    const std::string& url = urls[i];
    if (url == "*") continue;
    if (!url.starts_with('/')) {
      errors.invalid(path.index(i), url, "non-resource URL rules must begin with a '/' character");
    }
    if (!url.empty() && url.find('*') < url.size() - 1) {
      errors.invalid(path.index(i), url,
                     "non-resource URL wildcards '*' must be the final character of the rule");
    }
  }
}

// Without indexes in the paths, as upstream has it.
void check_resources(const std::vector<GroupResources>& resources, const FieldPath& path,
                     FieldErrors& errors) {
  for (const GroupResources& entry : resources) {
    Messages wrong;
    if (!entry.group.empty()) wrong = check_name_is_subdomain(entry.group, false);
    if (!wrong.empty()) errors.invalid(path.child("group"), entry.group, join(wrong, ","));
    if (!entry.resource_names.empty() && entry.resources.empty()) {
      errors.invalid_raw(path.child("resourceNames"), list_text(entry.resource_names),
                         "using resourceNames requires at least one resource");
    }
  }
}

void check_rule(PolicyRule& rule, const Reader::RuleNames& names, const FieldPath& path,
                FieldErrors& errors) {
  rule.level = read_level(names.level, path.child("level"), errors);
  FieldPath urls = path.child("nonResourceURLs");
  check_urls(rule.non_resource_urls, urls, errors);
  check_resources(rule.resources, path.child("resources"), errors);
  rule.omit_stages = read_stages(names.stages, path.child("omitStages"), errors);
  bool both = !rule.resources.empty() || !rule.namespaces.empty();
  if (!rule.non_resource_urls.empty() && both) {
    errors.invalid_raw(urls, list_text(rule.non_resource_urls),
                       "rules cannot apply to both regular resources and non-resource URLs");
  }
}

// Error: a document that doesn't say that it is a Policy of this version.
Result<void> check_type(const Value& root, const std::string& json) {
  std::string kind(root.as_node().find("kind").as_text());
  std::string version(root.as_node().find("apiVersion").as_text());
  if (kind.empty()) {
    return ApiStatus::bad_request("failed decoding: Object 'Kind' is missing in '" + json + "'");
  }
  if (version.empty()) {
    return ApiStatus::bad_request("failed decoding: Object 'apiVersion' is missing in '" + json +
                                  "'");
  }
  if (kind == "Policy" && version == kApiVersion) return {};
  return ApiStatus::bad_request("failed decoding: no kind " + go_quote(kind) +
                                " is registered for version " + go_quote(version) +
                                " in scheme \"k8s.io/apiserver/pkg/audit/scheme.go:30\"");
}

}  // namespace

Result<LoadedPolicy> parse_policy(std::string_view text) {
  codec::DecodeNotes notes;
  auto json = codec::yaml_to_json(text, &notes);
  if (!json) return ApiStatus::bad_request("failed decoding: " + json.error().message());
  Arena arena;
  auto root = codec::decode_json_any(*json, arena);
  if (!root) return ApiStatus::bad_request("failed decoding: " + root.error().message());
  if (auto typed = check_type(*root, *json); !typed) return typed.error();
  LoadedPolicy out;
  out.problems = std::move(notes.problems);
  Reader reader(out.problems);
  out.policy = reader.policy(*root);
  if (reader.failure()) return *reader.failure();
  FieldErrors errors;
  out.policy.omit_stages = read_stages(reader.stages(), FieldPath("omitStages"), errors);
  for (size_t i = 0; i < out.policy.rules.size(); ++i) {
    check_rule(out.policy.rules[i], reader.rule_names()[i], FieldPath("rules").index(i), errors);
  }
  if (!errors.empty()) return ApiStatus::bad_request(aggregate_text(errors));
  if (out.policy.rules.empty()) {
    return ApiStatus::bad_request("loaded illegal policy with 0 rules");
  }
  return out;
}

}  // namespace tiphys::apiserver::audit
