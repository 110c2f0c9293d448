#include "apiserver/pod_security/policy.h"

#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";
constexpr std::string_view kLevels[] = {"privileged", "baseline", "restricted"};

std::optional<Level> parse_level(std::string_view text) {
  for (size_t i = 0; i < std::size(kLevels); ++i) {
    if (kLevels[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::optional<int> parse_minor(std::string_view text) {
  if (text == "latest") return kLatest;
  auto digits = cut_prefix(text, "v1.");
  if (!digits || digits->empty()) return std::nullopt;
  if (digits->size() > 1 && digits->front() == '0') return std::nullopt;
  for (char c : *digits) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  auto number = parse_int(*digits);
  if (!number || *number >= kLatest) return std::nullopt;
  return static_cast<int>(*number);
}

class Reader {
 public:
  Reader(const Node& labels, FieldErrors& errors) : labels_(labels), errors_(errors) {}

  bool has(const std::string& mode) const { return !find(mode).is_null(); }

  // False: the label is there and can't be read; `failed` is the level then.
  bool level(const std::string& mode, Level failed, LevelVersion& into) {
    if (!has(mode)) return true;
    auto parsed = parse_level(find(mode).as_text());
    if (!parsed) fail(mode, "must be one of privileged, baseline, restricted");
    into.level = parsed.value_or(failed);
    return parsed.has_value();
  }
  void version(const std::string& mode, LevelVersion& into) {
    std::string label = mode + "-version";
    if (!has(label)) return;
    auto parsed = parse_minor(find(label).as_text());
    if (!parsed) fail(label, "must be \"latest\" or \"v1.x\"");
    into.minor = parsed.value_or(kLatest);
  }

 private:
  const Value& find(const std::string& mode) const {
    return labels_.find(std::string(kPrefix) + mode);
  }
  void fail(const std::string& mode, std::string_view why) {
    FieldPath path = FieldPath("metadata").child("labels").key(std::string(kPrefix) + mode);
    errors_.invalid(path, find(mode).as_text(), why);
  }

  const Node& labels_;
  FieldErrors& errors_;
};

}  // namespace

std::string LevelVersion::text() const {
  std::string version = minor == kLatest ? "latest" : "v1." + std::to_string(minor);
  return std::string(kLevels[static_cast<size_t>(level)]) + ":" + version;
}

Policy policy_of(const Node& labels, FieldErrors& errors) {
  Policy policy;
  Reader reader(labels, errors);
  bool known = reader.level("enforce", Level::kRestricted, policy.enforce);
  reader.version("enforce", policy.enforce);
  reader.level("audit", Level::kPrivileged, policy.audit);
  reader.version("audit", policy.audit);
  reader.level("warn", Level::kPrivileged, policy.warn);
  reader.version("warn", policy.warn);
  bool enforced = known && reader.has("enforce") && policy.enforce.level > policy.warn.level;
  if (enforced && !reader.has("warn")) {
    policy.warn.level = policy.enforce.level;
    if (!reader.has("warn-version")) policy.warn.minor = policy.enforce.minor;
  }
  return policy;
}

}  // namespace tiphys::apiserver::pod_security
