// YAML nodes to JSON text: scalar resolution, merge keys, alias expansion within a budget.
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/strings.h"
#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/yaml.h"
#include "codec/yaml_composer.h"
#include "codec/yaml_resolve.h"

namespace tiphys::codec {
namespace {

class JsonWriter {
 public:
  explicit JsonWriter(DecodeNotes* notes) : notes_(notes) {}

  Result<std::string> write(YamlNode* root) {
    if (root == nullptr) return std::string("null");
    value(*root);
    if (!error_.empty()) return ApiStatus::bad_request(error_);
    if (notes_ != nullptr && !duplicates_.empty()) {
      notes_->problems.push_back("yaml: unmarshal errors:" + duplicates_);
    }
    return std::move(out_);
  }

 private:
  void fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
  }

  // go-yaml's budget: in big documents only a small part may come out of aliases. And a bound in
  // bytes, for aliases of long texts.
  void count() {
    ++decoded_;
    if (alias_depth_ == 0) return;
    ++aliased_;
    double most = decoded_ <= 400'000 ? 0.99
                  : decoded_ >= 4'000'000
                      ? 0.10
                      : 0.99 - 0.89 * (static_cast<double>(decoded_) - 400'000) / 3'600'000;
    bool too_many = aliased_ > 100 && decoded_ > 1000 &&
                    static_cast<double>(aliased_) / static_cast<double>(decoded_) > most;
    if (too_many || alias_bytes_ + out_.size() - alias_start_ > kMaxYamlAliasBytes) {
      fail("yaml: document contains excessive aliasing");
    }
  }

  void value(YamlNode& node) {
    count();
    if (!error_.empty()) return;
    switch (node.kind) {
      case YamlNode::Kind::kScalar:
        return scalar(node);
      case YamlNode::Kind::kSequence:
        return sequence(node);
      case YamlNode::Kind::kMapping:
        return mapping(node);
      case YamlNode::Kind::kAlias:
        return alias(node);
    }
  }

  void alias(YamlNode& node) {
    if (node.target->expanding) {
      return fail("yaml: anchor '" + node.value + "' value contains itself");
    }
    node.target->expanding = true;
    if (alias_depth_++ == 0) alias_start_ = out_.size();
    if (++depth_ > kMaxYamlDepth) fail("yaml: exceeded max depth");
    value(*node.target);
    --depth_;
    if (--alias_depth_ == 0) alias_bytes_ += out_.size() - alias_start_;
    node.target->expanding = false;
  }

  void sequence(YamlNode& node) {
    if (++depth_ > kMaxYamlDepth) return fail("yaml: exceeded max depth");
    out_ += '[';
    for (size_t i = 0; i < node.children.size() && error_.empty(); ++i) {
      if (i > 0) out_ += ',';
      value(*node.children[i]);
    }
    out_ += ']';
    --depth_;
  }

  struct Members {
    std::vector<std::pair<std::string, YamlNode*>> list;
    std::unordered_map<std::string, size_t> index;
  };

  void mapping(YamlNode& node) {
    if (++depth_ > kMaxYamlDepth) return fail("yaml: exceeded max depth");
    Members members;
    collect(node, members, true);
    out_ += '{';
    bool first = true;
    for (auto& [key, child] : members.list) {
      if (!error_.empty()) return;
      if (!first) out_ += ',';
      first = false;
      append_json_string(key, out_);
      out_ += ':';
      value(*child);
    }
    out_ += '}';
    --depth_;
  }

  // Own members win over merged ones, later over earlier.
  void collect(YamlNode& node, Members& members, bool own) {
    if (!own && ++collected_ > kMaxMerges)
      return fail("yaml: document contains excessive aliasing");
    std::unordered_set<std::string> here;
    for (size_t i = 0; i + 1 < node.children.size() && error_.empty(); i += 2) {
      YamlNode& key = *node.children[i];
      if (key.kind == YamlNode::Kind::kScalar && key.plain && key.value == "<<") continue;
      std::string name = key_text(key);
      if (own && !here.insert(name).second && ++duplicate_count_ <= kMaxProblems) {
        duplicates_ += "\n  line " + std::to_string(key.line) + ": key " + go_quote(name) +
                       " already set in map";
      }
      auto [at, added] = members.index.try_emplace(name, members.list.size());
      if (added) {
        members.list.emplace_back(std::move(name), node.children[i + 1]);
      } else if (own) {
        members.list[at->second].second = node.children[i + 1];
      }
    }
    for (size_t i = 0; i + 1 < node.children.size() && error_.empty(); i += 2) {
      YamlNode& key = *node.children[i];
      if (key.kind == YamlNode::Kind::kScalar && key.plain && key.value == "<<") {
        merge(*node.children[i + 1], members);
      }
    }
  }

  void merge(YamlNode& from, Members& members) {
    YamlNode& node = from.kind == YamlNode::Kind::kAlias ? *from.target : from;
    if (node.expanding) return fail("yaml: anchor '" + from.value + "' value contains itself");
    node.expanding = true;
    if (node.kind == YamlNode::Kind::kMapping) {
      collect(node, members, false);
    } else if (node.kind == YamlNode::Kind::kSequence) {
      for (size_t i = node.children.size(); i-- > 0 && error_.empty();) {
        YamlNode& child = *node.children[i];
        YamlNode& map = child.kind == YamlNode::Kind::kAlias ? *child.target : child;
        if (map.kind != YamlNode::Kind::kMapping) {
          fail("yaml: map merge requires map or sequence of maps as the value");
        } else {
          merge(child, members);
        }
      }
    } else {
      fail("yaml: map merge requires map or sequence of maps as the value");
    }
    node.expanding = false;
  }

  std::string key_text(YamlNode& key) {
    YamlNode& node = key.kind == YamlNode::Kind::kAlias ? *key.target : key;
    if (node.kind != YamlNode::Kind::kScalar) {
      fail("unsupported map key of type: " +
           std::string(node.kind == YamlNode::Kind::kMapping ? "map" : "slice"));
      return {};
    }
    YamlScalar scalar = resolve(node);
    switch (scalar.type) {
      case YamlScalar::Type::kBool:
        return scalar.boolean ? "true" : "false";
      case YamlScalar::Type::kInt:
        return std::to_string(scalar.integer);
      case YamlScalar::Type::kUint:
        return std::to_string(scalar.unsigned_integer);
      case YamlScalar::Type::kFloat: {
        if (std::isnan(scalar.number)) return ".nan";
        if (std::isinf(scalar.number)) return scalar.number > 0 ? ".inf" : "-.inf";
        std::string text;
        append_double(scalar.number, text);
        return text;
      }
      case YamlScalar::Type::kNull:
        fail("unsupported map key of type: %!s(<nil>)");
        return {};
      default:
        return node.value;
    }
  }

  YamlScalar resolve(const YamlNode& node) {
    std::string_view tag = node.tag;
    if (tag.empty()) return node.plain ? resolve_yaml(node.value) : YamlScalar();
    constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
    if (!tag.starts_with(kPrefix)) return YamlScalar();
    std::string_view type = tag.substr(kPrefix.size());
    YamlScalar scalar = resolve_yaml(node.value);
    using Type = YamlScalar::Type;
    if (type == "float" && scalar.type == Type::kInt) {
      scalar.type = Type::kFloat;
      scalar.number = static_cast<double>(scalar.integer);
    }
    bool fits = (type == "null" && scalar.type == Type::kNull) ||
                (type == "bool" && scalar.type == Type::kBool) ||
                (type == "int" && (scalar.type == Type::kInt || scalar.type == Type::kUint)) ||
                (type == "float" && scalar.type == Type::kFloat);
    if (fits) return scalar;
    if (type == "null" || type == "bool" || type == "int" || type == "float") {
      fail("yaml: cannot decode !!str `" + node.value + "` as a !!" + std::string(type));
    }
    return YamlScalar();
  }

  void scalar(const YamlNode& node) {
    if (node.tag == "tag:yaml.org,2002:binary") {
      std::optional<std::string> bytes = base64_decode(node.value);
      if (!bytes) return fail("yaml: !!binary value contains invalid base64 data");
      return append_json_string(*bytes, out_);
    }
    YamlScalar scalar = resolve(node);
    switch (scalar.type) {
      case YamlScalar::Type::kNull:
        out_ += "null";
        return;
      case YamlScalar::Type::kBool:
        out_ += scalar.boolean ? "true" : "false";
        return;
      case YamlScalar::Type::kInt:
        return append_int(scalar.integer, out_);
      case YamlScalar::Type::kUint:
        out_ += std::to_string(scalar.unsigned_integer);
        return;
      case YamlScalar::Type::kFloat:
        if (std::isfinite(scalar.number)) return append_double(scalar.number, out_);
        return fail(std::string("json: unsupported value: ") + (std::isnan(scalar.number) ? "NaN"
                                                                : scalar.number > 0       ? "+Inf"
                                                                                    : "-Inf"));
      default:
        return append_json_string(node.value, out_);
    }
  }

  static constexpr int kMaxMerges = 100'000;
  DecodeNotes* notes_;
  std::string out_;
  std::string error_;
  std::string duplicates_;
  size_t duplicate_count_ = 0;
  size_t decoded_ = 0;
  size_t aliased_ = 0;
  size_t alias_bytes_ = 0;
  size_t alias_start_ = 0;
  int alias_depth_ = 0;
  int depth_ = 0;
  int collected_ = 0;
};

}  // namespace

Result<std::string> yaml_to_json(std::string_view yaml, DecodeNotes* notes) {
  TIPHYS_TRY(YamlDocument, document, YamlDocument::parse(yaml));
  return JsonWriter(notes).write(document.root());
}

}  // namespace tiphys::codec
