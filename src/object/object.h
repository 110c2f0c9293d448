// Object: one decoded API object, immutable and shared; Draft: one under construction.
//
// An Object's whole tree lives in one block that it owns; copies of ObjectPtr share it. The watch
// cache, every informer, the scheduler and the kubelet hold the same block. Reading is safe from
// any thread, except encoding_slot(), which belongs to the loop's thread.
// The typed way in are the views of kinds/ ("core_v1::Pod pod(*object)").
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "object/value.h"

namespace tiphys::schema {
struct Message;
}

namespace tiphys {

// group/version/kind. Interned or static: the text outlives everything.
struct GroupVersionKind {
  std::string_view group;
  std::string_view version;
  std::string_view kind;
  bool operator==(const GroupVersionKind&) const = default;
  // "v1" or "apps/v1".
  std::string api_version() const;
};

class Object;
using ObjectPtr = std::shared_ptr<const Object>;
using Bytes = std::shared_ptr<const std::string>;

class Draft {
 public:
  // An empty object of a type; gvk may be null (an item without kind and apiVersion).
  explicit Draft(const schema::Message& type, const GroupVersionKind* gvk = nullptr);
  // A deep, editable copy.
  explicit Draft(const Object& object);
  Draft(Draft&&) noexcept = default;
  Draft& operator=(Draft&&) noexcept = default;

  const schema::Message& type() const { return *type_; }
  const GroupVersionKind* gvk() const { return gvk_; }
  void set_gvk(const GroupVersionKind* gvk) { gvk_ = gvk; }
  Arena& arena() { return *arena_; }
  Node& root() { return *root_; }
  const Node& root() const { return *root_; }
  // Replaces the tree; `root` must be in arena().
  void set_root(Node* root) { root_ = root; }
  Draft clone() const;
  // The immutable object: the tree is packed into one block. The draft stays usable.
  ObjectPtr freeze() const;

 private:
  const schema::Message* type_;
  const GroupVersionKind* gvk_;
  std::unique_ptr<Arena> arena_;
  Node* root_;
};

class Object {
 public:
  // Packs a tree (see Draft::freeze).
  static ObjectPtr pack(const schema::Message& type, const GroupVersionKind* gvk, const Node& root);

  const schema::Message& type() const { return *type_; }
  // Null for items that carry no type (list items in a typed list).
  const GroupVersionKind* gvk() const { return gvk_; }
  const Node& root() const { return *root_; }
  // Bytes of the block, this header included, encodings aside.
  size_t memory() const { return memory_; }

  // Where an encoder keeps the object's shared encoding so that it is made at most once.
  // Slots: 0 JSON, 1 protobuf (with the "k8s\0" envelope). Loop thread only.
  Bytes& encoding_slot(int format) const { return encodings_[static_cast<size_t>(format)]; }

 private:
  Object() = default;
  const schema::Message* type_ = nullptr;
  const GroupVersionKind* gvk_ = nullptr;
  const Node* root_ = nullptr;
  std::unique_ptr<std::byte[]> block_;
  size_t memory_ = 0;
  mutable std::array<Bytes, 2> encodings_;
};

}  // namespace tiphys
