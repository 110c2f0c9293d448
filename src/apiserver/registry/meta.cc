#include "apiserver/registry/meta.h"

#include "base/strings.h"

namespace tiphys::apiserver {

MetaView::MetaView(const schema::Message& type, const Node& root) {
  if (type.metadata_field < 0) return;
  auto index = static_cast<uint16_t>(type.metadata_field);
  type_ = type.fields[index].message;
  node_ = &root.field(index).as_node();
}

const Value& MetaView::value(std::string_view json_name) const {
  if (!type_) return kNullValue;
  const schema::Field* field = type_->find(json_name);
  return field ? node_->field(type_->index_of(*field)) : kNullValue;
}

std::optional<int64_t> MetaView::deletion_grace_period() const {
  const Value& seconds = value("deletionGracePeriodSeconds");
  return seconds.is_null() ? std::nullopt : std::optional<int64_t>(seconds.as_int());
}

std::vector<std::string_view> MetaView::finalizers() const {
  std::vector<std::string_view> names;
  for (const Value& item : value("finalizers").as_node().items()) names.push_back(item.as_text());
  return names;
}

MetaEdit::MetaEdit(Draft& draft) : draft_(draft) {
  const schema::Message& type = draft.type();
  if (type.metadata_field < 0) return;
  auto index = static_cast<uint16_t>(type.metadata_field);
  type_ = type.fields[index].message;
  node_ = &ensure_node(draft.arena(), draft.root(), index, ValueType::kStruct);
}

void MetaEdit::set(std::string_view json_name, Value value) {
  if (!type_) return;
  const schema::Field* field = type_->find(json_name);
  if (field) set_field(draft_.arena(), *node_, type_->index_of(*field), value);
}

void MetaEdit::set_text(std::string_view json_name, std::string_view value) {
  set(json_name, value.empty() ? Value() : draft_.arena().string(value));
}

void MetaEdit::set_int(std::string_view json_name, int64_t value) {
  set(json_name, Value::of_int(value));
}

void MetaEdit::clear(std::string_view json_name) { set(json_name, Value()); }

void MetaEdit::copy(std::string_view json_name, const MetaView& from) {
  set(json_name, draft_.arena().clone(from.value(json_name)));
}

void MetaEdit::set_finalizers(const std::vector<std::string>& finalizers) {
  if (finalizers.empty()) return clear("finalizers");
  Value list = draft_.arena().make(ValueType::kList);
  for (const std::string& name : finalizers) {
    append(draft_.arena(), *list.node, draft_.arena().string(name));
  }
  set("finalizers", list);
}

void MetaEdit::set_in_map(std::string_view field_name, std::string_view key,
                          std::string_view value) {
  if (!type_) return;
  const schema::Field* field = type_->find(field_name);
  if (!field) return;
  Node& map = ensure_node(draft_.arena(), *node_, type_->index_of(*field), ValueType::kMap);
  set_entry(draft_.arena(), map, key, draft_.arena().string(value));
}

void MetaEdit::set_label(std::string_view key, std::string_view value) {
  set_in_map("labels", key, value);
}

void MetaEdit::remove_annotation(std::string_view key) {
  const schema::Field* field = type_ ? type_->find("annotations") : nullptr;
  if (!field || node_->field(type_->index_of(*field)).is_null()) return;
  Node& map = ensure_node(draft_.arena(), *node_, type_->index_of(*field), ValueType::kMap);
  set_entry(draft_.arena(), map, key, Value());
  if (map.size == 0) clear("annotations");
}

void MetaEdit::set_annotation(std::string_view key, std::string_view value) {
  set_in_map("annotations", key, value);
}

std::optional<int64_t> parse_resource_version(std::string_view text) {
  if (text.empty()) return 0;
  auto number = parse_uint(text);
  if (!number || *number > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(*number);
}

}  // namespace tiphys::apiserver
