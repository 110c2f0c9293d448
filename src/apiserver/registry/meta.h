// MetaView and MetaEdit: ObjectMeta of any object, typed or not known by type here.
//
// Views borrow the tree they were made from. Types without ObjectMeta read as empty; edits of
// them do nothing.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "object/object.h"
#include "schema/message.h"

namespace tiphys::apiserver {

class MetaView {
 public:
  explicit MetaView(const Object& object) : MetaView(object.type(), object.root()) {}
  explicit MetaView(const Draft& draft) : MetaView(draft.type(), draft.root()) {}
  MetaView(const schema::Message& type, const Node& root);

  std::string_view name() const { return text("name"); }
  std::string_view generate_name() const { return text("generateName"); }
  std::string_view ns() const { return text("namespace"); }
  std::string_view uid() const { return text("uid"); }
  std::string_view resource_version() const { return text("resourceVersion"); }
  int64_t generation() const { return value("generation").as_int(); }
  MicroTime creation_timestamp() const { return value("creationTimestamp").as_int(); }
  bool deleting() const { return !value("deletionTimestamp").is_null(); }
  MicroTime deletion_timestamp() const { return value("deletionTimestamp").as_int(); }
  std::optional<int64_t> deletion_grace_period() const;
  const Node& labels() const { return value("labels").as_node(); }
  const Node& annotations() const { return value("annotations").as_node(); }
  std::vector<std::string_view> finalizers() const;
  const Value& value(std::string_view json_name) const;
  const schema::Message* type() const { return type_; }  // of the metadata struct; may be null
  const Node& node() const { return *node_; }

 private:
  std::string_view text(std::string_view json_name) const { return value(json_name).as_text(); }
  const schema::Message* type_ = nullptr;
  const Node* node_ = &kEmptyNode;
};

class MetaEdit {
 public:
  explicit MetaEdit(Draft& draft);
  void set_text(std::string_view json_name, std::string_view value);  // "" clears
  void set_int(std::string_view json_name, int64_t value);            // also times
  void clear(std::string_view json_name);
  // Copies the field from another object's metadata (absent there: cleared).
  void copy(std::string_view json_name, const MetaView& from);
  void set_finalizers(const std::vector<std::string>& finalizers);
  void set_label(std::string_view key, std::string_view value);
  void set_annotation(std::string_view key, std::string_view value);
  void remove_annotation(std::string_view key);       // the last one takes the map along
  void set(std::string_view json_name, Value value);  // a tree of the draft's arena

 private:
  void set_in_map(std::string_view field, std::string_view key, std::string_view value);
  Draft& draft_;
  const schema::Message* type_ = nullptr;
  Node* node_ = nullptr;
};

// The number of a resourceVersion text; nullopt if it is none ("" is 0).
std::optional<int64_t> parse_resource_version(std::string_view text);

}  // namespace tiphys::apiserver
