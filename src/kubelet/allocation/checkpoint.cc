#include "kubelet/allocation/checkpoint.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kCorrupted = "checkpoint is corrupted";

using TextMap = std::map<std::string, std::string, std::less<>>;

class Writer {
 public:
  void open(std::string_view key) {
    next(key);
    text += '{';
  }
  void close() { text += '}'; }
  void texts(std::string_view key, const TextMap& map) {
    if (map.empty()) return;
    open(key);
    for (const auto& [name, amount] : map) {
      next(name);
      codec::append_json_string(amount, text);
    }
    close();
  }
  std::string text = "{";

 private:
  void next(std::string_view key) {
    if (text.back() != '{') text += ',';
    codec::append_json_string(key, text);
    text += ':';
  }
};

// The empty node for anything else.
const Node& map_of(const Value& value) {
  return (value.type == ValueType::kMap ? value : Value()).as_node();
}

Result<TextMap> read_amounts(const Node& node) {
  TextMap out;
  for (uint32_t i = 0; i + 1 < node.size; i += 2) {
    std::string_view amount = node.data[i + 1].as_text();
    Result<Quantity> number = Quantity::parse(amount);
    if (!number) return number.error();
    out.emplace(node.data[i].as_text(), amount);
  }
  return out;
}

Result<Allocation> read_containers(const Node& node) {
  Allocation out;
  for (uint32_t i = 0; i + 1 < node.size; i += 2) {
    const Node& one = map_of(node.data[i + 1]);
    TIPHYS_TRY(TextMap, requests, read_amounts(map_of(one.find("requests"))));
    TIPHYS_TRY(TextMap, limits, read_amounts(map_of(one.find("limits"))));
    out.emplace(node.data[i].as_text(), Amounts{std::move(requests), std::move(limits)});
  }
  return out;
}

}  // namespace

std::string encode_checkpoint(const Allocations& allocations) {
  Writer out;
  out.open("entries");
  for (const auto& [uid, allocation] : allocations) {
    out.open(uid);
    out.open("ContainerResources");
    for (const auto& [name, amounts] : allocation) {
      out.open(name);
      out.texts("limits", amounts.limits);
      out.texts("requests", amounts.requests);
      out.close();
    }
    out.close();
    out.close();
  }
  out.close();
  out.close();
  std::string text = "{\"data\":";
  codec::append_json_string(out.text, text);
  return text + ",\"checksum\":" + std::to_string(fnv32a(out.text)) + "}";
}

Result<Allocations> decode_checkpoint(std::string_view text) {
  Arena arena;
  TIPHYS_TRY(Value, file, codec::decode_json_any(text, arena));
  if (file.type != ValueType::kMap) return ApiStatus::bad_request(std::string(kCorrupted));
  std::string_view data = file.as_node().find("data").as_text();
  const Value& checksum = file.as_node().find("checksum");
  if (checksum.type != ValueType::kInt || checksum.as_int() != fnv32a(data)) {
    return ApiStatus::bad_request(std::string(kCorrupted));
  }
  TIPHYS_TRY(Value, body, codec::decode_json_any(data, arena));
  if (body.type != ValueType::kMap) return ApiStatus::bad_request(std::string(kCorrupted));
  Allocations out;
  const Node& entries = map_of(body.as_node().find("entries"));
  for (uint32_t i = 0; i + 1 < entries.size; i += 2) {
    const Node& pod = map_of(entries.data[i + 1]);
    TIPHYS_TRY(Allocation, one, read_containers(map_of(pod.find("ContainerResources"))));
    out.emplace(entries.data[i].as_text(), std::move(one));
  }
  return out;
}

}  // namespace tiphys::kubelet
