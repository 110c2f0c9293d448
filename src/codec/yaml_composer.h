// YamlComposer: the first YAML document of a text as a tree of nodes, aliases unexpanded. Internal.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace tiphys::codec {

struct YamlNode {
  enum class Kind : uint8_t { kScalar, kSequence, kMapping, kAlias };
  Kind kind = Kind::kScalar;
  bool plain = false;  // scalar: unquoted and without a tag of its own
  uint32_t line = 0;   // 1-based
  std::string tag;
  std::string value;                // scalar
  std::vector<YamlNode*> children;  // mapping: key, value, key, value...
  YamlNode* target = nullptr;       // alias
  bool expanding = false;           // an alias to it is being followed
};

class YamlDocument {
 public:
  // Errors: BadRequest "yaml: line 3: ..." as go-yaml words them.
  static Result<YamlDocument> parse(std::string_view text);
  // Null for an empty text.
  YamlNode* root() const { return root_; }

 private:
  friend class YamlComposer;
  std::unique_ptr<std::deque<YamlNode>> nodes_ = std::make_unique<std::deque<YamlNode>>();
  YamlNode* root_ = nullptr;
};

}  // namespace tiphys::codec
