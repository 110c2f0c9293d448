#include "apiserver/patch/json_patch.h"

#include <string>
#include <vector>

#include "apiserver/patch/tree.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

ApiStatus rejected() {
  ApiStatus::Data data;
  data.code = 422;
  data.reason = "Invalid";
  data.message = "the server rejected our request due to an error in our request";
  data.has_details = true;
  return ApiStatus(std::move(data));
}

std::string unescape(std::string_view token) {
  std::string text;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      text += token[++i] == '0' ? '~' : '/';
    } else {
      text += token[i];
    }
  }
  return text;
}

class JsonPatch {
 public:
  JsonPatch(Value document, Arena& arena) : root_(document), arena_(arena) {}

  Result<void> apply(const Value& operation) {
    if (operation.type != ValueType::kMap) return rejected();
    const Node& members = *operation.node;
    std::string_view op = members.find("op").as_text();
    if (members.find("path").type != ValueType::kString) return rejected();
    std::string_view path = members.find("path").as_text();
    if (op == "add") return add(path, arena_.clone(members.find("value")));
    if (op == "remove") return remove(path);
    if (op == "replace") return replace(path, arena_.clone(members.find("value")));
    if (op == "test") return test(path, members.find("value"));
    if (members.find("from").type != ValueType::kString) return rejected();
    std::string_view from = members.find("from").as_text();
    if (op == "move") return move(from, path);
    if (op == "copy") return copy(from, path);
    return rejected();
  }

  Value take() const { return root_; }

 private:
  struct Target {
    Value* parent = nullptr;  // null: the document itself
    std::string key;
  };

  // The container that holds the last token of the path.
  Result<Target> locate(std::string_view path) {
    if (path.empty()) return Target{};
    if (path.front() != '/') return rejected();
    std::vector<std::string_view> tokens = split(path.substr(1), '/');
    Value* at = &root_;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      at = child(*at, unescape(tokens[i]));
      if (!at) return rejected();
    }
    if (!at->is_node()) return rejected();
    return Target{at, unescape(tokens.back())};
  }

  Value* child(Value& container, const std::string& key) {
    if (container.type == ValueType::kMap) return find_entry(*container.node, key);
    if (container.type != ValueType::kList) return nullptr;
    auto index = position(*container.node, key, false);
    return index ? &container.node->data[*index] : nullptr;
  }

  // A list position; `inserting` allows the position past the end and "-". Negative ones count
  // from the end, as upstream's library allows.
  static std::optional<uint32_t> position(const Node& list, std::string_view key, bool inserting) {
    int64_t limit = static_cast<int64_t>(list.size) + (inserting ? 1 : 0);
    if (key == "-") return inserting ? std::optional<uint32_t>(list.size) : std::nullopt;
    auto number = parse_int(key);
    if (!number) return std::nullopt;
    int64_t index = *number < 0 ? *number + limit : *number;
    if (index < 0 || index >= limit) return std::nullopt;
    return static_cast<uint32_t>(index);
  }

  Result<Value> get(std::string_view path) {
    TIPHYS_TRY(Target, target, locate(path));
    if (!target.parent) return root_;
    Value* value = child(*target.parent, target.key);
    if (!value) return rejected();
    return *value;
  }

  Result<void> add(std::string_view path, Value value) {
    TIPHYS_TRY(Target, target, locate(path));
    if (!target.parent) {
      root_ = value;
      return {};
    }
    Node& container = *target.parent->node;
    if (target.parent->type == ValueType::kMap) {
      put_entry(arena_, container, target.key, value);
      return {};
    }
    auto index = position(container, target.key, true);
    if (!index) return rejected();
    insert_item(arena_, container, *index, value);
    return {};
  }

  Result<void> remove(std::string_view path) {
    TIPHYS_TRY(Target, target, locate(path));
    if (!target.parent || !child(*target.parent, target.key)) return rejected();
    Node& container = *target.parent->node;
    if (target.parent->type == ValueType::kMap) {
      erase_entry(container, target.key);
    } else {
      erase_item(container, *position(container, target.key, false));
    }
    return {};
  }

  Result<void> replace(std::string_view path, Value value) {
    TIPHYS_TRY(Target, target, locate(path));
    if (!target.parent) {
      root_ = value;
      return {};
    }
    Value* there = child(*target.parent, target.key);
    if (!there) return rejected();
    *there = value;
    return {};
  }

  Result<void> test(std::string_view path, const Value& expected) {
    auto value = get(path);
    // An absent member equals null, as in upstream's library.
    if (!value) return expected.is_null() ? Result<void>() : Result<void>(rejected());
    if (!equal(*value, expected)) return rejected();
    return {};
  }

  Result<void> move(std::string_view from, std::string_view path) {
    TIPHYS_TRY(Value, value, get(from));
    auto removed = remove(from);
    if (!removed) return removed;
    return add(path, value);
  }

  Result<void> copy(std::string_view from, std::string_view path) {
    TIPHYS_TRY(Value, value, get(from));
    size_t before = arena_.bytes();
    Value copied = arena_.clone(value);
    copied_bytes_ += arena_.bytes() - before;
    if (copied_bytes_ > kMaxJsonPatchCopyBytes) return rejected();
    return add(path, copied);
  }

  Value root_;
  Arena& arena_;
  size_t copied_bytes_ = 0;
};

}  // namespace

Result<Value> apply_json_patch(Value document, const Value& patch, Arena& arena) {
  if (patch.type != ValueType::kList) {
    return ApiStatus::bad_request(
        "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  }
  if (patch.node->size > kMaxJsonPatchOperations) {
    return ApiStatus::too_large(
        "Request entity too large: The allowed maximum operations in a JSON patch is " +
        std::to_string(kMaxJsonPatchOperations) + ", got " + std::to_string(patch.node->size));
  }
  JsonPatch state(document, arena);
  for (const Value& operation : patch.node->items()) {
    auto applied = state.apply(operation);
    if (!applied) return applied.error();
  }
  return state.take();
}

}  // namespace tiphys::apiserver
