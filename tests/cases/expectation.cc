#include "tests/cases/expectation.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "tests/cases/tree.h"

namespace tiphys::cases {
namespace {

constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";
constexpr size_t kShownBytes = 1500;

// An object in its protobuf envelope, as untyped JSON.
Result<Value> from_protobuf(std::string_view bytes, Arena& arena) {
  TIPHYS_TRY(Draft, draft, codec::decode_object(codec::Format::kProtobuf, bytes, nullptr, nullptr));
  std::string json;
  codec::encode_object(codec::Format::kJson, draft.type(), draft.root(), draft.gvk(), json);
  return codec::decode_json_any(json, arena);
}

// The n-th field (of wire type 2) of a small protobuf message.
std::string_view bytes_field(std::string_view message, uint8_t number) {
  size_t at = 0;
  auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0; at < message.size(); shift += 7) {
      auto byte = static_cast<uint8_t>(message[at++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.size()) {
    uint64_t tag = varint();
    uint64_t size = varint();
    if ((tag & 7) != 2 || size > message.size() - at) return "";
    if (tag >> 3 == number) return message.substr(at, size);
    at += size;
  }
  return "";
}

// metav1.WatchEvent: type = 1, object = 2 {raw = 1}.
Value protobuf_event(std::string_view frame, Arena& arena) {
  Value event = arena.make(ValueType::kMap);
  set_entry(arena, *event.node, "type", arena.string(bytes_field(frame, 1)));
  Result<Value> object = from_protobuf(bytes_field(bytes_field(frame, 2), 1), arena);
  if (object) set_entry(arena, *event.node, "object", *object);
  return event;
}

// Warning headers: 299 - "text".
std::vector<std::string> warnings_of(const net::Headers& headers) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : headers.entries()) {
    size_t quote = value.find('"');
    if (name != "warning" || quote == std::string::npos) continue;
    std::string text;
    for (size_t i = quote + 1; i + 1 < value.size(); ++i) {
      if (value[i] == '\\') ++i;
      text += value[i];
    }
    warnings.push_back(std::move(text));
  }
  return warnings;
}

class Check {
 public:
  Check(const Node& expect, const Reply& reply, int success)
      : expect_(expect), reply_(reply), success_(success) {}

  std::string run() && {
    check_head();
    Result<Value> body = decode_answer(reply_, arena_);
    if (!body)
      report("the body is no " + std::string(content_type()) + ": " + body.error().message());
    if (body) body_ = *body;
    check_status_object();
    check_body();
    check_list();
    check_table();
    check_events();
    if (!found_.empty())
      found_ += "    answer: " + std::to_string(reply_.status) + " " + shown() + "\n";
    return std::move(found_);
  }

 private:
  std::string_view content_type() const { return reply_.headers.get("content-type"); }
  void report(const std::string& what) { found_ += "    " + what + "\n"; }
  void compare(const std::string& what, const Value& expected, const Value& actual,
               bool exactly = false) {
    std::string lines = difference(expected, actual, exactly);
    if (!lines.empty()) found_ += "    " + what + ":\n" + lines;
  }
  std::string shown() {
    std::string text = body_.is_null() ? reply_.body : text_of(body_);
    return text.substr(0, kShownBytes);
  }
  Value texts(const std::vector<std::string>& items) {
    Value list = arena_.make(ValueType::kList);
    for (const std::string& item : items) append(arena_, *list.node, arena_.string(item));
    return list;
  }

  void check_head() {
    int status = static_cast<int>(expect_.find("status").as_int(success_));
    if (reply_.status != status) {
      report("status: expected " + std::to_string(status) + ", got " +
             std::to_string(reply_.status));
    }
    if (const Value& type = expect_.find("type"); !type.is_null()) {
      compare("type", type, arena_.string(content_type()));
    }
    const Node& headers = expect_.find("headers").as_node();
    for (uint32_t i = 0; i + 1 < headers.size; i += 2) {
      std::string_view name = headers.data[i].as_text();
      Value actual = reply_.headers.has(name) ? arena_.string(reply_.headers.get(name)) : Value();
      compare("header " + std::string(name), headers.data[i + 1], actual);
    }
    if (const Value& warnings = expect_.find("warnings"); !warnings.is_null()) {
      compare("warnings", warnings, texts(warnings_of(reply_.headers)));
    }
    std::string_view part = expect_.find("contains").as_text();
    if (reply_.body.find(part) == std::string::npos)
      report("no " + go_quote(part) + " in the body");
  }
  void check_status_object() {
    for (const char* key : {"reason", "message"}) {
      const Value& expected = expect_.find(key);
      if (!expected.is_null()) compare(key, expected, body_.as_node().find(key));
    }
    const Value& causes = expect_.find("causes");
    if (causes.is_null()) return;
    Value actual = arena_.make(ValueType::kList);
    const Node& details = body_.as_node().find("details").as_node();
    uint32_t number = 0;
    for (const Value& cause : details.find("causes").as_node().items()) {
      // A row that leaves the message out does not compare it.
      const Node& row =
          number < causes.as_node().size ? causes.as_node().data[number].as_node() : kEmptyNode;
      ++number;
      append(arena_, *actual.node, cause_row(cause.as_node(), row.size == 2));
    }
    compare("causes", causes, actual);
  }
  Value cause_row(const Node& cause, bool without_message) {
    Value row = arena_.make(ValueType::kList);
    for (const char* key : {"field", "reason", "message"}) {
      if (without_message && std::string_view(key) == "message") continue;
      append(arena_, *row.node, arena_.string(cause.find(key).as_text()));
    }
    return row;
  }
  void check_body() {
    if (const Value& expected = expect_.find("body"); !expected.is_null()) {
      compare("body", expected, body_);
    }
    const Node& exactly = expect_.find("exactly").as_node();
    for (uint32_t i = 0; i + 1 < exactly.size; i += 2) {
      std::string_view path = exactly.data[i].as_text();
      Result<Value> actual = value_at(body_, path);
      if (actual) compare(std::string(path), exactly.data[i + 1], *actual, true);
      if (!actual) report(actual.error().message());
    }
  }
  // `count` of a list's items; each of `has` is one of them, none of `lacks` is.
  void check_items() {
    const Node& items = body_.as_node().find("items").as_node();
    if (const Value& count = expect_.find("count"); !count.is_null()) {
      compare("count", count, Value::of_int(items.size));
    }
    auto found = [&](const Value& wanted) {
      return std::ranges::any_of(
          items.items(), [&](const Value& item) { return difference(wanted, item).empty(); });
    };
    for (const Value& wanted : expect_.find("has").as_node().items()) {
      if (!found(wanted)) report("no item is " + text_of(wanted));
    }
    for (const Value& unwanted : expect_.find("lacks").as_node().items()) {
      if (found(unwanted)) report("an item is " + text_of(unwanted));
    }
  }
  void check_list() {
    check_items();
    const Value& names = expect_.find("names");
    if (names.is_null()) return;
    std::vector<std::string> actual;
    for (const Value& item : body_.as_node().find("items").as_node().items()) {
      actual.emplace_back(item.as_node().find("metadata").as_node().find("name").as_text());
    }
    compare("names", names, texts(actual));
  }
  void check_table() {
    std::vector<std::string> columns;
    for (const Value& column : body_.as_node().find("columnDefinitions").as_node().items()) {
      columns.emplace_back(column.as_node().find("name").as_text());
    }
    if (const Value& expected = expect_.find("columns"); !expected.is_null()) {
      compare("columns", expected, texts(columns));
    }
    const Value& rows = expect_.find("rows");
    if (rows.is_null()) return;
    Value actual = arena_.make(ValueType::kList);
    for (const Value& row : body_.as_node().find("rows").as_node().items()) {
      Value cells = arena_.make(ValueType::kMap);
      const Node& values = row.as_node().find("cells").as_node();
      for (uint32_t i = 0; i < values.size && i < columns.size(); ++i) {
        set_entry(arena_, *cells.node, columns[i], values.data[i]);
      }
      append(arena_, *actual.node, cells);
    }
    compare("rows", rows, actual);
  }
  void check_events() {
    const Value& events = expect_.find("events");
    if (!events.is_null()) {
      Value actual = arena_.make(ValueType::kList);
      for (const Value& event : decode_events(content_type(), reply_.body, arena_)) {
        append(arena_, *actual.node, event);
      }
      compare("events", events, actual);
    }
    if (expect_.find("ends").as_bool() && !reply_.ended) report("the watch goes on");
  }

  const Node& expect_;
  const Reply& reply_;
  int success_;
  Arena arena_;
  Value body_;
  std::string found_;
};

}  // namespace

Result<Value> decode_answer(const Reply& reply, Arena& arena) {
  std::string_view type = reply.headers.get("content-type");
  if (type.find("stream=watch") != std::string_view::npos || !reply.ended) return Value();
  if (type.starts_with(kProtobufType)) return from_protobuf(reply.body, arena);
  if (type.starts_with("application/json") && reply.body.starts_with("{")) {
    // A watch of JSON is a line an event.
    Result<Value> value = codec::decode_json_any(reply.body, arena);
    return value ? value : Result<Value>(Value());
  }
  return Value();
}

std::vector<Value> decode_events(std::string_view content_type, std::string_view text,
                                 Arena& arena) {
  std::vector<Value> events;
  if (content_type.starts_with(kProtobufType)) {
    while (text.size() >= 4) {
      size_t size = 0;
      for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<uint8_t>(text[i]);
      if (text.size() - 4 < size) break;
      events.push_back(protobuf_event(text.substr(4, size), arena));
      text.remove_prefix(4 + size);
    }
    return events;
  }
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    Result<Value> event = codec::decode_json_any(text.substr(0, end), arena);
    if (event) events.push_back(*event);
    text.remove_prefix(end + 1);
  }
  return events;
}

std::string unmet(const Node& expect, const Reply& reply, int success) {
  return Check(expect, reply, success).run();
}

}  // namespace tiphys::cases
