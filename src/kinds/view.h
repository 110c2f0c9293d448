// View, ListView, MapView: what the generated views of kinds/<package>.h are made of (editors:
// kinds/edit.h).
//
// A view is one pointer to a struct's Node: pass it by value; it lives as long as the object it
// looks into. What is absent reads as zero, an empty text, list or view. Views of immutable objects
// may be used from any thread.
#pragma once
#include <cassert>
#include <initializer_list>
#include <string_view>
#include <type_traits>

#include "base/time.h"
#include "object/object.h"
#include "schema/message.h"

namespace tiphys {

class View {
 public:
  View() : node_(&kEmptyNode) {}
  explicit View(const Node& node) : node_(&node) {}
  explicit View(const Object& object) : node_(&object.root()) {}
  explicit View(const Draft& draft) : node_(&draft.root()) {}
  const Node& node() const { return *node_; }

 protected:
  View(const Object& object, const schema::Message& type) : node_(&object.root()) {
    assert(&object.type() == &type && "a view of another type than the object's");
  }
  const Value& at(uint16_t a) const { return node_->field(a); }
  const Value& at(uint16_t a, uint16_t b) const { return at(a).as_node().field(b); }
  const Value& at(uint16_t a, uint16_t b, uint16_t c) const { return at(a, b).as_node().field(c); }

 private:
  const Node* node_;
};

// Structural equality of two views of the same type.
inline bool equal(const View& a, const View& b) {
  return equal(Value::of_node(ValueType::kStruct, const_cast<Node*>(&a.node())),
               Value::of_node(ValueType::kStruct, const_cast<Node*>(&b.node())));
}

// One item of a list or map as a C++ value.
template <class T>
T read_item(const Value& value) {
  if constexpr (std::is_same_v<T, Value>) {
    return value;
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return value.as_text();
  } else if constexpr (std::is_same_v<T, bool>) {
    return value.as_bool();
  } else if constexpr (std::is_floating_point_v<T>) {
    return value.as_double();
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(value.as_int());
  } else {
    return T(value.as_node());
  }
}

template <class T>
class ListView {
 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = ptrdiff_t;
    Iterator() = default;
    explicit Iterator(const Value* at) : at_(at) {}
    T operator*() const { return read_item<T>(*at_); }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    const Value* at_ = nullptr;
  };

  ListView() : node_(&kEmptyNode) {}
  explicit ListView(const Node& node) : node_(&node) {}
  const Node& node() const { return *node_; }
  size_t size() const { return node_->size; }
  bool empty() const { return node_->size == 0; }
  // Requires: i < size().
  T operator[](size_t i) const { return read_item<T>(node_->data[i]); }
  Iterator begin() const { return Iterator(node_->data); }
  Iterator end() const { return Iterator(node_->data + node_->size); }

 private:
  const Node* node_;
};

template <class T>
class MapView {
 public:
  struct Entry {
    std::string_view key;
    T value;
  };
  class Iterator {
   public:
    using value_type = Entry;
    using difference_type = ptrdiff_t;
    Iterator() = default;
    explicit Iterator(const Value* at) : at_(at) {}
    Entry operator*() const { return {at_[0].as_text(), read_item<T>(at_[1])}; }
    Iterator& operator++() { return at_ += 2, *this; }
    Iterator operator++(int) { return at_ += 2, Iterator(at_ - 2); }
    bool operator==(const Iterator&) const = default;

   private:
    const Value* at_ = nullptr;
  };

  MapView() : node_(&kEmptyNode) {}
  explicit MapView(const Node& node) : node_(&node) {}
  const Node& node() const { return *node_; }
  size_t size() const { return node_->entries(); }
  bool empty() const { return node_->size == 0; }
  bool contains(std::string_view key) const { return !node_->find(key).is_null(); }
  // The value under key, or zero.
  T find(std::string_view key) const { return read_item<T>(node_->find(key)); }
  Iterator begin() const { return Iterator(node_->data); }
  Iterator end() const { return Iterator(node_->data + node_->entries() * 2); }

 private:
  const Node* node_;
};

}  // namespace tiphys
