#include "scheduler/extender_answers.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::scheduler {
namespace {

constexpr int64_t kMaxExtenderPriority = 10;

std::string_view kind_of(const Value& value) {
  switch (value.type) {
    case ValueType::kMap:
      return "object";
    case ValueType::kList:
      return "array";
    case ValueType::kString:
      return "string";
    case ValueType::kBool:
      return "bool";
    default:
      return "number";
  }
}

// What a value should be, in the words of Go's errors.
struct Wanted {
  ValueType type;
  std::string_view go_type;  // "[]string"
  std::string_view field;    // "ExtenderFilterResult.NodeNames"; "": the whole answer
};

// One answer; the first error sticks, and absent values are read from then on.
class Reading {
 public:
  const Value& whole(std::string_view body, const Wanted& wanted) {
    // Go's stream decoder, where there is nothing to decode.
    if (trim(body).empty()) return fail("EOF");
    Result<Value> read = codec::decode_json_any(body, arena_);
    if (!read) return fail(read.error().message());
    root_ = *read;
    return checked(root_, wanted);
  }
  // Exactly that name, else the same in other cases.
  const Value& member(const Value& object, std::string_view name, const Wanted& wanted) {
    if (object.type != ValueType::kMap) return kNullValue;
    const Value& exact = object.as_node().find(name);
    if (!exact.is_null()) return checked(exact, wanted);
    std::span<const Value> items = object.as_node().items();
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      if (equals_ignore_case(items[i].as_text(), name)) return checked(items[i + 1], wanted);
    }
    return kNullValue;
  }
  const Value& checked(const Value& value, const Wanted& wanted) {
    if (value.is_null() || value.type == wanted.type) return value;
    std::string where = wanted.field.empty()
                            ? " into Go value of type "
                            : " into Go struct field " + std::string(wanted.field) + " of type ";
    return fail("json: cannot unmarshal " + std::string(kind_of(value)) + where +
                std::string(wanted.go_type));
  }
  std::string text(const Value& object, std::string_view name, std::string_view field) {
    return std::string(member(object, name, {ValueType::kString, "string", field}).as_text());
  }
  int64_t number(const Value& object, std::string_view name, std::string_view field) {
    return member(object, name, {ValueType::kInt, "int64", field}).as_int();
  }
  const Value& fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return kNullValue;
  }
  bool failed() const { return !error_.empty(); }
  ApiStatus error() const { return ApiStatus::internal(error_); }

 private:
  Arena arena_;
  Value root_;
  std::string error_;
};

std::vector<std::string> names_of(Reading& reading, const Value& result, bool names_only) {
  std::vector<std::string> names;
  const Value& list = reading.member(
      result, "NodeNames", {ValueType::kList, "[]string", "ExtenderFilterResult.NodeNames"});
  const Value& nodes = reading.member(
      result, "Nodes", {ValueType::kMap, "v1.NodeList", "ExtenderFilterResult.Nodes"});
  if (names_only && !list.is_null()) {
    Wanted name{ValueType::kString, "string", "ExtenderFilterResult.NodeNames"};
    for (const Value& item : list.as_node().items()) {
      names.emplace_back(reading.checked(item, name).as_text());
    }
    return names;
  }
  const Value& items = reading.member(
      nodes, "items", {ValueType::kList, "[]v1.Node", "ExtenderFilterResult.Nodes.items"});
  for (const Value& item : items.as_node().items()) {
    reading.checked(item, {ValueType::kMap, "v1.Node", "ExtenderFilterResult.Nodes.items"});
    const Value& metadata = reading.member(
        item, "metadata", {ValueType::kMap, "v1.ObjectMeta", "ExtenderFilterResult.Nodes.items"});
    names.push_back(
        reading.text(metadata, "name", "ExtenderFilterResult.Nodes.items.metadata.name"));
  }
  return names;
}

// Cut at a character's end.
std::string cut(std::string_view reason) {
  if (reason.size() <= kMaxReasonBytes) return std::string(reason);
  size_t end = kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80) --end;
  return std::string(reason.substr(0, end));
}

void take_rejections(Reading& reading, const Value& result, std::string_view name,
                     bool unresolvable, const std::set<std::string_view>& offered,
                     std::map<std::string, NodeRejection>& out) {
  std::string field = "ExtenderFilterResult." + std::string(name);
  const Value& map = reading.member(result, name, {ValueType::kMap, "v1.FailedNodesMap", field});
  std::span<const Value> items = map.as_node().items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const Value& reason = reading.checked(items[i + 1], {ValueType::kString, "string", field});
    if (!offered.contains(items[i].as_text())) continue;
    out[std::string(items[i].as_text())] = {cut(reason.as_text()), unresolvable};
  }
}

int64_t saturating_multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

// The pods of one MetaVictims.
Candidate read_victims(Reading& reading, const ExtenderConfig& extender, const NodeInfo& node,
                       const Value& meta) {
  reading.checked(
      meta, {ValueType::kMap, "v1.MetaVictims", "ExtenderPreemptionResult.NodeNameToMetaVictims"});
  Candidate found{.node = node.name};
  found.violations = reading.number(meta, "NumPDBViolations", "MetaVictims.NumPDBViolations");
  const Value& pods =
      reading.member(meta, "Pods", {ValueType::kList, "[]*v1.MetaPod", "MetaVictims.Pods"});
  std::set<std::string> seen;
  for (const Value& pod : pods.as_node().items()) {
    reading.checked(pod, {ValueType::kMap, "v1.MetaPod", "MetaVictims.Pods"});
    std::string uid = reading.text(pod, "UID", "MetaPod.UID");
    if (!seen.insert(uid).second) continue;
    auto at = std::ranges::find(node.pods, uid, [](const PodPtr& each) { return each->uid; });
    if (at == node.pods.end()) {
      reading.fail("extender: " + extender.url_prefix + " claims to preempt pod (UID: &{" + uid +
                   "}) on node: " + node.name + ", but the pod is not found on that node");
      break;
    }
    found.victims.push_back(*at);
  }
  return found;
}

}  // namespace

Result<Filtered> read_filter_answer(const ExtenderConfig& extender,
                                    std::span<const std::string> offered, std::string_view body) {
  Reading reading;
  const Value& result = reading.whole(body, {ValueType::kMap, "v1.ExtenderFilterResult", ""});
  std::string error = reading.text(result, "Error", "ExtenderFilterResult.Error");
  std::vector<std::string> names = names_of(reading, result, extender.node_cache_capable);
  std::set<std::string_view> known(offered.begin(), offered.end());
  Filtered answer;
  take_rejections(reading, result, "FailedNodes", false, known, answer.rejected);
  take_rejections(reading, result, "FailedAndUnresolvableNodes", true, known, answer.rejected);
  if (reading.failed()) return reading.error();
  if (!error.empty()) return ApiStatus::internal(error);
  for (const std::string& name : names) {
    if (known.contains(name)) continue;
    return ApiStatus::internal("extender " + go_quote(extender.url_prefix) +
                               " claims a filtered node " + go_quote(name) +
                               " which is not found in the input node list");
  }
  std::set<std::string_view> passed(names.begin(), names.end());
  for (const std::string& name : offered) {
    if (passed.contains(name)) answer.nodes.push_back(name);
  }
  return answer;
}

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

Result<std::map<std::string, int64_t>> read_priorities(const ExtenderConfig& extender,
                                                       std::string_view body) {
  Reading reading;
  const Value& list = reading.whole(body, {ValueType::kList, "v1.HostPriorityList", ""});
  std::map<std::string, int64_t> scores;
  for (const Value& item : list.as_node().items()) {
    reading.checked(item, {ValueType::kMap, "v1.HostPriority", ""});
    std::string host = reading.text(item, "Host", "HostPriority.Host");
    int64_t score = reading.number(item, "Score", "HostPriority.Score");
    int64_t scale = saturating_multiply(extender.weight, kMaxNodeScore / kMaxExtenderPriority);
    int64_t& total = scores[host];
    total = saturating_add(total, saturating_multiply(score, scale));
  }
  if (reading.failed()) return reading.error();
  return scores;
}

Result<std::vector<Candidate>> read_preemption_answer(const ExtenderConfig& extender,
                                                      const Snapshot& snapshot,
                                                      std::string_view body) {
  Reading reading;
  const Value& result = reading.whole(body, {ValueType::kMap, "v1.ExtenderPreemptionResult", ""});
  const Value& nodes = reading.member(result, "NodeNameToMetaVictims",
                                      {ValueType::kMap, "map[string]*v1.MetaVictims",
                                       "ExtenderPreemptionResult.NodeNameToMetaVictims"});
  std::span<const Value> items = nodes.as_node().items();
  std::vector<Candidate> candidates;
  for (size_t i = 0; i + 1 < items.size() && !reading.failed(); i += 2) {
    std::string_view name = items[i].as_text();
    const NodeInfo* node = snapshot.find(name);
    if (node == nullptr) {
      reading.fail("nodeinfo not found for node name " + go_quote(name));
      break;
    }
    Candidate candidate = read_victims(reading, extender, *node, items[i + 1]);
    if (candidate.victims.empty() && extender.ignorable) continue;
    if (candidate.victims.empty()) {
      reading.fail("expected at least one victim pod on node " + go_quote(name));
    }
    candidates.push_back(std::move(candidate));
  }
  if (reading.failed()) return reading.error();
  return candidates;
}

Result<void> read_binding_answer(std::string_view body) {
  Reading reading;
  const Value& result = reading.whole(body, {ValueType::kMap, "v1.ExtenderBindingResult", ""});
  std::string error = reading.text(result, "Error", "ExtenderBindingResult.Error");
  if (reading.failed()) return reading.error();
  if (!error.empty()) return ApiStatus::internal(error);
  return {};
}

}  // namespace tiphys::scheduler
