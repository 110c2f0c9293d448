#include "apiserver/patch/json_patch.h"

#include <string>
#include <vector>

#include "apiserver/patch/rejected.h"
#include "apiserver/patch/tree.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

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
    Value* parent;
    std::string key;
  };

  // The container that holds the last token of the path. What stands before the first slash is
  // not looked at; a path without one leads nowhere.
  Result<Target> locate(std::string_view path) {
    std::vector<std::string_view> tokens = split(path, '/');
    if (tokens.size() < 2) return rejected();
    Value* at = &root_;
    for (size_t i = 1; i + 1 < tokens.size(); ++i) {
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
    Value* value = child(*target.parent, target.key);
    if (!value) return rejected();
    return *value;
  }

  Result<void> add(std::string_view path, Value value) {
    TIPHYS_TRY(Target, target, locate(path));
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
    if (!child(*target.parent, target.key)) return rejected();
    Node& container = *target.parent->node;
    if (target.parent->type == ValueType::kMap) {
      erase_entry(container, target.key);
    } else {
      erase_item(container, *position(container, target.key, false));
    }
    return {};
  }

  Result<void> replace(std::string_view path, Value value) {
    if (path.empty() && value.is_node()) {  // the one way to address the whole document
      root_ = value;
      return {};
    }
    TIPHYS_TRY(Target, target, locate(path));
    Value* there = child(*target.parent, target.key);
    if (!there) return rejected();
    *there = value;
    return {};
  }

  Result<void> test(std::string_view path, const Value& expected) {
    TIPHYS_TRY(Target, target, locate(path));
    const Value* value = child(*target.parent, target.key);
    // An absent member equals null, as in upstream's library.
    if (!equal(value ? *value : kNullValue, expected)) return rejected();
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
    std::string text;
    codec::encode_json_any(value, text);
    copied_bytes_ += text.size();
    if (copied_bytes_ > kMaxJsonPatchCopyBytes) return rejected();
    return add(path, arena_.clone(value));
  }

  Value root_;
  Arena& arena_;
  size_t copied_bytes_ = 0;
};

}  // namespace

Result<Value> apply_json_patch(Value document, const Value& patch, Arena& arena) {
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
