// FieldSet: a set of paths into an object, as structured-merge-diff's fieldpath.Set and the
// FieldsV1 format ("f:spec": {"f:replicas": {}}). A tree: an element's text is its FieldsV1 key.
// Value type.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/value.h"

namespace tiphys::apiserver {

inline constexpr int kMaxFieldSetDepth = 200;

// Upstream's order of path elements: fields, keys, values, indexes; numbers by their size.
struct ElementOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

class FieldSet {
 public:
  using Path = std::vector<std::string>;  // "f:spec", "f:containers", `k:{"name":"c"}`
  using Children = std::map<std::string, FieldSet, ElementOrder>;

  void insert(const Path& path);
  void remove(const Path& path);        // this path, not those below
  void remove_below(const Path& path);  // this path and those below
  bool has(const Path& path) const;     // exactly this path
  const FieldSet* find(std::string_view element) const;
  bool empty() const { return !member_ && children_.empty(); }
  bool member() const { return member_; }  // the path that leads here is in the set
  const Children& children() const { return children_; }

  void unite(const FieldSet& other);
  void subtract(const FieldSet& other);
  // Without the members of `other` and all that is below them.
  void subtract_below(const FieldSet& other);
  FieldSet intersection(const FieldSet& other) const;
  bool operator==(const FieldSet&) const = default;

  // FieldsV1, without white space.
  std::string json() const;
  static Result<FieldSet> parse(std::string_view fields_v1);
  // Every path in the set; those that end at an element come before those that go on from one.
  std::vector<Path> paths() const;

 private:
  Result<void> read(const Value& value, int depth);
  void write(std::string& out) const;
  void collect(Path& at, std::vector<Path>& out) const;
  bool member_ = false;
  Children children_;
};

}  // namespace tiphys::apiserver
