#include "codec/yaml_composer.h"

#include <yaml.h>

#include "codec/limits.h"

namespace tiphys::codec {
namespace {

std::string text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

class Event {
 public:
  ~Event() { yaml_event_delete(&event_); }
  Event() : event_{} {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  yaml_event_t* get() { return &event_; }
  yaml_event_t* operator->() { return &event_; }

 private:
  yaml_event_t event_;
};

}  // namespace

class YamlComposer {
 public:
  explicit YamlComposer(std::string_view text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~YamlComposer() { yaml_parser_delete(&parser_); }
  YamlComposer(const YamlComposer&) = delete;
  YamlComposer& operator=(const YamlComposer&) = delete;

  Result<YamlDocument> compose() {
    while (!done_) {
      Event event;
      if (!yaml_parser_parse(&parser_, event.get())) return parser_error();
      handle(event);
      if (!error_.empty()) return ApiStatus::bad_request("yaml: " + error_);
    }
    return std::move(document_);
  }

 private:
  void handle(Event& event) {
    switch (event->type) {
      case YAML_ALIAS_EVENT:
        return alias(event);
      case YAML_SCALAR_EVENT:
        return scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        return open(event, YamlNode::Kind::kSequence, event->data.sequence_start.anchor,
                    event->data.sequence_start.tag);
      case YAML_MAPPING_START_EVENT:
        return open(event, YamlNode::Kind::kMapping, event->data.mapping_start.anchor,
                    event->data.mapping_start.tag);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        open_.pop_back();
        return;
      case YAML_DOCUMENT_END_EVENT:
      case YAML_STREAM_END_EVENT:
        done_ = true;
        return;
      default:
        return;
    }
  }

  YamlNode* add(Event& event, YamlNode::Kind kind) {
    YamlNode& node = document_.nodes_->emplace_back();
    node.kind = kind;
    node.line = static_cast<uint32_t>(event->start_mark.line + 1);
    if (open_.empty()) {
      document_.root_ = &node;
    } else {
      open_.back()->children.push_back(&node);
    }
    return &node;
  }

  void open(Event& event, YamlNode::Kind kind, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (open_.size() >= static_cast<size_t>(kMaxYamlDepth)) {
      error_ = "exceeded max depth of " + std::to_string(kMaxYamlDepth);
      return;
    }
    YamlNode* node = add(event, kind);
    node->tag = text_of(tag);
    if (anchor != nullptr) anchors_[text_of(anchor)] = node;
    open_.push_back(node);
  }

  void scalar(Event& event) {
    YamlNode* node = add(event, YamlNode::Kind::kScalar);
    const auto& data = event->data.scalar;
    node->value.assign(reinterpret_cast<const char*>(data.value), data.length);
    node->tag = text_of(data.tag);
    node->plain = data.plain_implicit && data.style == YAML_PLAIN_SCALAR_STYLE;
    if (data.anchor != nullptr) anchors_[text_of(data.anchor)] = node;
  }

  void alias(Event& event) {
    YamlNode* node = add(event, YamlNode::Kind::kAlias);
    node->value = text_of(event->data.alias.anchor);
    auto found = anchors_.find(node->value);
    if (found == anchors_.end()) {
      error_ = "unknown anchor '" + node->value + "' referenced";
    } else {
      node->target = found->second;
    }
  }

  ApiStatus parser_error() const {
    size_t line = parser_.problem_mark.line;
    if (line != 0) {
      if (parser_.error == YAML_SCANNER_ERROR) ++line;
    } else {
      line = parser_.context_mark.line;
    }
    std::string where = line == 0 ? "" : "line " + std::to_string(line) + ": ";
    std::string problem =
        parser_.problem == nullptr ? "unknown problem parsing YAML content" : parser_.problem;
    return ApiStatus::bad_request("yaml: " + where + problem);
  }

  yaml_parser_t parser_;
  YamlDocument document_;
  std::vector<YamlNode*> open_;
  std::unordered_map<std::string, YamlNode*> anchors_;
  std::string error_;
  bool done_ = false;
};

Result<YamlDocument> YamlDocument::parse(std::string_view text) {
  return YamlComposer(text).compose();
}

}  // namespace tiphys::codec
