#include "apiserver/managed_fields/field_set.h"

#include "codec/codec.h"

namespace tiphys::apiserver {

void FieldSet::insert(const Path& path) {
  FieldSet* at = this;
  for (const std::string& element : path) at = &at->children_[element];
  if (at != this) at->member_ = true;
}

void FieldSet::remove(const Path& path) {
  FieldSet wanted;
  wanted.insert(path);
  subtract(wanted);
}

void FieldSet::remove_below(const Path& path) {
  FieldSet* at = this;
  for (size_t i = 0; i < path.size(); ++i) {
    auto child = at->children_.find(path[i]);
    if (child == at->children_.end()) return;
    if (i + 1 == path.size()) {
      at->children_.erase(child);
    } else {
      at = &child->second;
    }
  }
  // Parents that are left with nothing in them go too.
  if (path.size() > 1 && at->empty()) remove_below(Path(path.begin(), path.end() - 1));
}

bool FieldSet::has(const Path& path) const {
  const FieldSet* at = this;
  for (const std::string& element : path) {
    at = at->find(element);
    if (!at) return false;
  }
  return at->member_;
}

const FieldSet* FieldSet::find(std::string_view element) const {
  auto at = children_.find(element);
  return at == children_.end() ? nullptr : &at->second;
}

void FieldSet::unite(const FieldSet& other) {
  member_ |= other.member_;
  for (const auto& [element, child] : other.children_) children_[element].unite(child);
}

void FieldSet::subtract(const FieldSet& other) {
  if (other.member_) member_ = false;
  for (const auto& [element, child] : other.children_) {
    auto at = children_.find(element);
    if (at == children_.end()) continue;
    at->second.subtract(child);
    if (at->second.empty()) children_.erase(at);
  }
}

FieldSet FieldSet::intersection(const FieldSet& other) const {
  FieldSet both;
  both.member_ = member_ && other.member_;
  for (const auto& [element, child] : children_) {
    const FieldSet* match = other.find(element);
    if (!match) continue;
    FieldSet common = child.intersection(*match);
    if (!common.empty()) both.children_.emplace(element, std::move(common));
  }
  return both;
}

void FieldSet::write(std::string& out) const {
  out += '{';
  bool first = true;
  if (member_ && !children_.empty()) {
    out += "\".\":{}";
    first = false;
  }
  for (const auto& [element, child] : children_) {
    if (!first) out += ',';
    first = false;
    codec::append_json_string(element, out);
    out += ':';
    child.write(out);
  }
  out += '}';
}

std::string FieldSet::json() const {
  std::string out;
  write(out);
  return out;
}

void FieldSet::collect(Path& at, std::vector<Path>& out) const {
  if (member_) out.push_back(at);
  for (const auto& [element, child] : children_) {
    at.push_back(element);
    child.collect(at, out);
    at.pop_back();
  }
}

std::vector<FieldSet::Path> FieldSet::paths() const {
  std::vector<Path> out;
  Path at;
  collect(at, out);
  return out;
}

namespace {

Result<void> read(const Value& value, FieldSet::Path& path, FieldSet& set) {
  if (value.type != ValueType::kMap || path.size() > kMaxFieldSetDepth) {
    return ApiStatus::bad_request("managedFields: fieldsV1 is no set of fields");
  }
  if (value.node->size == 0) set.insert(path);
  for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
    std::string_view element = value.node->data[i].as_text();
    if (element == ".") {
      set.insert(path);
      continue;
    }
    path.emplace_back(element);
    auto done = read(value.node->data[i + 1], path, set);
    if (!done) return done;
    path.pop_back();
  }
  return {};
}

}  // namespace

Result<FieldSet> FieldSet::parse(std::string_view fields_v1) {
  Arena arena;
  auto any = codec::decode_json_any(fields_v1, arena);
  if (!any) return any.error();
  FieldSet set;
  Path path;
  auto done = read(*any, path, set);
  if (!done) return done.error();
  return set;
}

}  // namespace tiphys::apiserver
