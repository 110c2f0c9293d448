#include "object/object.h"

namespace tiphys {
namespace {

struct Sizes {
  size_t nodes = 0;  // Nodes and Values, 16 bytes each
  size_t text = 0;
};

void measure(const Value& value, Sizes& sizes) {
  if (value.is_text()) {
    sizes.text += value.size;
  } else if (value.is_node()) {
    sizes.nodes += 1 + value.node->size;
    for (const Value& item : value.node->items()) measure(item, sizes);
  }
}

// Copies a tree into a block that measure() sized: nodes and values first, texts after them.
class Packer {
 public:
  Packer(std::byte* block, size_t nodes)
      : cells_(block), text_(reinterpret_cast<char*>(block) + nodes * sizeof(Node)) {}

  Node* pack(const Node& from) {
    auto* node = new (take(sizeof(Node))) Node();
    node->size = node->capacity = from.size;
    node->data = static_cast<Value*>(take(from.size * sizeof(Value)));
    for (uint32_t i = 0; i < from.size; ++i) node->data[i] = pack(from.data[i]);
    return node;
  }

 private:
  Value pack(const Value& from) {
    Value value = from;
    if (from.is_text()) {
      if (from.size > 0) memcpy(text_, from.s, from.size);
      value.s = text_;
      text_ += from.size;
    } else if (from.is_node()) {
      value.node = pack(*from.node);
    }
    return value;
  }

  void* take(size_t bytes) {
    void* at = cells_;
    cells_ += bytes;
    return at;
  }

  std::byte* cells_;
  char* text_;
};

}  // namespace

std::string GroupVersionKind::api_version() const {
  if (group.empty()) return std::string(version);
  std::string text(group);
  text += '/';
  text += version;
  return text;
}

Draft::Draft(const schema::Message& type, const GroupVersionKind* gvk)
    : type_(&type), gvk_(gvk), arena_(std::make_unique<Arena>()), root_(arena_->make_node()) {}

Draft::Draft(const Object& object)
    : type_(&object.type()), gvk_(object.gvk()), arena_(std::make_unique<Arena>()) {
  auto* root = const_cast<Node*>(&object.root());
  root_ = arena_->clone(Value::of_node(ValueType::kStruct, root)).node;
}

Draft Draft::clone() const {
  Draft copy(*type_, gvk_);
  copy.root_ = copy.arena_->clone(Value::of_node(ValueType::kStruct, root_)).node;
  return copy;
}

ObjectPtr Draft::freeze() const { return Object::pack(*type_, gvk_, *root_); }

ObjectPtr Object::pack(const schema::Message& type, const GroupVersionKind* gvk, const Node& root) {
  Sizes sizes;
  measure(Value::of_node(ValueType::kStruct, const_cast<Node*>(&root)), sizes);
  size_t bytes = sizes.nodes * sizeof(Node) + sizes.text;
  auto object = std::shared_ptr<Object>(new Object());
  object->type_ = &type;
  object->gvk_ = gvk;
  object->block_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
  object->memory_ = bytes + sizeof(Object);
  object->root_ = Packer(object->block_.get(), sizes.nodes).pack(root);
  return object;
}

}  // namespace tiphys
