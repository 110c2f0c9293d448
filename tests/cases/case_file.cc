#include "tests/cases/case_file.h"

#include <algorithm>
#include <array>

#include "codec/codec.h"
#include "tests/cases/tree.h"

namespace tiphys::cases {
namespace {

constexpr std::array kCaseKeys = {"case", "only", "pending", "base", "creates", "updates", "steps"};
constexpr std::array kStepKeys = {
    // what is done
    "create", "update", "apply", "patch", "get", "list", "watch", "delete", "request", "restart",
    // with what
    "set", "unset", "with", "type", "params", "headers", "text", "user", "groups", "manager", "as",
    "ns", "at", "save", "expect", "only", "note",
    // in time
    "within", "for", "advance", "rest",
    // what happens to a cluster
    "up", "down", "fail", "stall", "jump", "heartbeat", "custom"};
constexpr std::array kExpectKeys = {
    "status",  "type", "headers",  "reason", "message", "causes",   "body",  "exactly", "names",
    "columns", "rows", "warnings", "events", "ends",    "contains", "count", "has",     "lacks"};

template <size_t N>
Result<void> check_keys(const Node& map, const std::array<const char*, N>& known) {
  for (uint32_t i = 0; i < map.size; i += 2) {
    std::string_view key = map.data[i].as_text();
    if (std::ranges::find(known, key) == known.end()) {
      return ApiStatus::bad_request("unknown key " + std::string(key));
    }
  }
  return {};
}

Result<void> check_step(const Node& step) {
  Result<void> checked = check_keys(step, kStepKeys);
  if (!checked) return checked;
  return check_keys(step.find("expect").as_node(), kExpectKeys);
}

// Variants: `set` and `unset` against a base, everything else is what is expected.
class Variants {
 public:
  Variants(Arena& arena, const Value& base) : arena_(arena), base_(base) {}

  // A dry-run create of the base with its changes.
  Result<Value> create(const Node& variant) {
    Value object = arena_.clone(base_);
    Result<void> changed = change(arena_, object, variant);
    if (!changed) return changed.error();
    Value step = arena_.make(ValueType::kMap);
    set_entry(arena_, *step.node, "create", object);
    return dry_run(step, variant, 201);
  }
  // A dry-run update of the stored base with its changes.
  Result<Value> update(const Node& variant) {
    Value step = arena_.make(ValueType::kMap);
    set_entry(arena_, *step.node, "update", base_);
    for (const char* key : {"set", "unset", "at"}) {
      set_entry(arena_, *step.node, key, variant.find(key));
    }
    return dry_run(step, variant, 200);
  }

 private:
  Result<Value> dry_run(Value step, const Node& variant, int success) {
    Value params = arena_.make(ValueType::kMap);
    set_entry(arena_, *params.node, "dryRun", arena_.string("All"));
    set_entry(arena_, *step.node, "params", params);
    Value expect = arena_.make(ValueType::kMap);
    bool fails = !variant.find("causes").is_null();
    set_entry(arena_, *expect.node, "status", Value::of_int(fails ? 422 : success));
    for (uint32_t i = 0; i + 1 < variant.size; i += 2) {
      std::string_view key = variant.data[i].as_text();
      if (key == "set" || key == "unset" || key == "note" || key == "at") continue;
      if (key == "user" || key == "groups") {
        set_entry(arena_, *step.node, key, variant.data[i + 1]);
      } else {
        set_entry(arena_, *expect.node, key, variant.data[i + 1]);
      }
    }
    set_entry(arena_, *step.node, "expect", expect);
    return step;
  }

  Arena& arena_;
  const Value& base_;
};

class CaseReader {
 public:
  CaseReader(Arena& arena, const Node& from) : arena_(arena), from_(from) {}

  Result<Case> read() {
    Result<void> checked = check_keys(from_, kCaseKeys);
    if (!checked) return checked.error();
    out_.name = std::string(from_.find("case").as_text());
    out_.pending = std::string(from_.find("pending").as_text());
    std::string_view only = from_.find("only").as_text();
    out_.json_only = only == "json";
    out_.virtual_only = only == "virtual";
    out_.hollow_only = only == "hollow";
    if (!only.empty() && !out_.json_only && !out_.virtual_only && !out_.hollow_only) {
      return ApiStatus::bad_request(out_.name + ": only json, virtual or hollow");
    }
    for (auto part :
         {&CaseReader::read_creates, &CaseReader::read_updates, &CaseReader::read_steps}) {
      Result<void> done = (this->*part)();
      if (!done) return ApiStatus::bad_request(out_.name + ": " + done.error().message());
    }
    if (out_.steps.empty()) return ApiStatus::bad_request(out_.name + ": no steps");
    return std::move(out_);
  }

 private:
  Result<void> add(const Value& step, std::string label, bool alone = false) {
    Result<void> checked = check_step(step.as_node());
    if (!checked) return ApiStatus::bad_request(label + ": " + checked.error().message());
    out_.steps.push_back({text_of(step), std::move(label), alone});
    return {};
  }
  Result<void> read_creates() {
    Variants variants(arena_, from_.find("base"));
    int number = 0;
    for (const Value& variant : from_.find("creates").as_node().items()) {
      Result<Value> step = variants.create(variant.as_node());
      if (!step) return step.error();
      Result<void> added = add(*step, "creates " + std::to_string(++number), true);
      if (!added) return added;
    }
    return {};
  }
  Result<void> read_updates() {
    const Node& updates = from_.find("updates").as_node();
    if (updates.size == 0) return {};
    Variants variants(arena_, from_.find("base"));
    Value create = arena_.make(ValueType::kMap);
    set_entry(arena_, *create.node, "create", from_.find("base"));
    Result<void> added = add(create, "base");
    if (!added) return added;
    int number = 0;
    for (const Value& variant : updates.items()) {
      Result<Value> step = variants.update(variant.as_node());
      if (!step) return step.error();
      added = add(*step, "updates " + std::to_string(++number), true);
      if (!added) return added;
    }
    return {};
  }
  Result<void> read_steps() {
    int number = 0;
    for (const Value& step : from_.find("steps").as_node().items()) {
      Result<void> added = add(step, "step " + std::to_string(++number));
      if (!added) return added;
    }
    return {};
  }

  Arena& arena_;
  const Node& from_;
  Case out_;
};

}  // namespace

Result<std::vector<Case>> parse_cases(std::string_view yaml) {
  TIPHYS_TRY(std::string, json, codec::yaml_to_json(yaml));
  Arena arena;
  TIPHYS_TRY(Value, root, codec::decode_json_any(json, arena));
  if (root.type != ValueType::kList) return ApiStatus::bad_request("not a list of cases");
  std::vector<Case> cases;
  for (const Value& item : root.node->items()) {
    TIPHYS_TRY(Case, one, CaseReader(arena, item.as_node()).read());
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace tiphys::cases
