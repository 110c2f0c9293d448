#include "schema/message.h"

#include <algorithm>
#include <tuple>

#include "schema/tables_index.h"

namespace tiphys::schema {
namespace {

bool find_member(const Message& message, std::string_view name, int depth, JsonMember& found) {
  const Field* field = message.find(name);
  if (field != nullptr && !field->inlined && !field->json_hidden) {
    found.field = field;
    found.path[depth] = message.index_of(*field);
    found.depth = static_cast<uint8_t>(depth + 1);
    return true;
  }
  if (depth == 2) return false;
  for (uint16_t index : message.inlined_fields) {
    const Field& inlined = message.fields[index];
    found.path[depth] = index;
    if (inlined.message != nullptr && find_member(*inlined.message, name, depth + 1, found)) {
      return true;
    }
  }
  return false;
}

}  // namespace

const Field* Message::find(std::string_view json_name) const {
  auto at = std::lower_bound(by_name.begin(), by_name.end(), json_name,
                             [&](uint16_t i, std::string_view n) { return fields[i].name < n; });
  return at != by_name.end() && fields[*at].name == json_name ? &fields[*at] : nullptr;
}

const Field* Message::find_number(uint32_t number) const {
  auto at = std::lower_bound(by_number.begin(), by_number.end(), number,
                             [&](uint16_t i, uint32_t n) { return fields[i].number < n; });
  return at != by_number.end() && fields[*at].number == number ? &fields[*at] : nullptr;
}

JsonMember find_json(const Message& message, std::string_view json_name) {
  JsonMember found;
  if (!find_member(message, json_name, 0, found)) return {};
  return found;
}

std::span<const Message* const> all_messages() { return tables::messages(); }

const Message* find_message(std::string_view full_name) {
  auto all = all_messages();
  auto at =
      std::lower_bound(all.begin(), all.end(), full_name,
                       [](const Message* m, std::string_view name) { return m->name < name; });
  return at != all.end() && (*at)->name == full_name ? *at : nullptr;
}

std::span<const Kind> all_kinds() { return tables::kinds(); }

const Kind* find_kind(std::string_view group, std::string_view version, std::string_view kind) {
  auto kinds = tables::kinds();
  auto sorted = tables::sorted_kinds();
  auto wanted = std::tie(group, version, kind);
  auto less = [&](uint16_t i, decltype(wanted) w) {
    const GroupVersionKind& gvk = kinds[i].gvk;
    return std::tie(gvk.group, gvk.version, gvk.kind) < w;
  };
  auto at = std::lower_bound(sorted.begin(), sorted.end(), wanted, less);
  if (at != sorted.end() && kinds[*at].gvk == GroupVersionKind{group, version, kind}) {
    return &kinds[*at];
  }
  for (uint16_t i : tables::everywhere_kinds()) {
    if (kinds[i].gvk.kind == kind) return &kinds[i];
  }
  return nullptr;
}

const Value& find_path(const Message& message, const Node& root,
                       std::initializer_list<std::string_view> names) {
  const Message* type = &message;
  const Value* value = nullptr;
  for (std::string_view name : names) {
    if (type == nullptr) return kNullValue;
    JsonMember member = find_json(*type, name);
    if (member.field == nullptr) return kNullValue;
    for (uint8_t i = 0; i < member.depth; ++i) {
      const Node& node = value == nullptr ? root : value->as_node();
      value = &node.field(member.path[i]);
    }
    bool is_struct = member.field->shape == Shape::kSingular;
    type = is_struct ? member.field->message : nullptr;
  }
  return value == nullptr ? kNullValue : *value;
}

}  // namespace tiphys::schema
