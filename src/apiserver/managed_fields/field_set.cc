#include "apiserver/managed_fields/field_set.h"

#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t digits_from(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

int kind_rank(std::string_view element) {
  static constexpr std::string_view kKinds = "fkvi";
  return element.empty() ? -1 : static_cast<int>(kKinds.find(element.front()));
}

// Whether the text up to `end` leaves a JSON string open.
bool inside_string(std::string_view text, size_t end) {
  bool open = false;
  for (size_t i = 0; i < end; ++i) {
    if (open && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      open = !open;
    }
  }
  return open;
}

}  // namespace

bool ElementOrder::operator()(std::string_view a, std::string_view b) const {
  if (kind_rank(a) != kind_rank(b)) return kind_rank(a) < kind_rank(b);
  if (a.starts_with("f:")) return a < b;
  size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  if (inside_string(a, same)) return a < b;
  size_t left = digits_from(a, same);
  size_t right = digits_from(b, same);
  return left != right && (left > 0 || right > 0) ? left < right : a < b;
}

void FieldSet::insert(const Path& path) {
  FieldSet* at = this;
  for (const std::string& element : path) at = &at->children_[element];
  if (at != this) at->member_ = true;
}

void FieldSet::remove(const Path& path) {
  if (!has(path)) return;
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

void FieldSet::subtract_below(const FieldSet& other) {
  for (const auto& [element, child] : other.children_) {
    auto at = children_.find(element);
    if (at == children_.end()) continue;
    if (!child.member_) at->second.subtract_below(child);
    if (child.member_ || at->second.empty()) children_.erase(at);
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
  for (const auto& [element, child] : children_) {
    if (!child.member_) continue;
    out.push_back(at);
    out.back().push_back(element);
  }
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

ApiStatus no_field_set() {
  return ApiStatus::bad_request("managedFields: fieldsV1 is no set of fields");
}

// The element in its one form; "" for a kind of element that is not known, which is skipped.
Result<std::string> canonical_element(std::string_view element) {
  if (element.size() < 2 || element[1] != ':') return no_field_set();
  if (element.front() == 'f') return std::string(element);
  if (std::string_view("kvi").find(element.front()) == std::string_view::npos) return std::string();
  Arena arena;
  auto value = codec::decode_json_any(element.substr(2), arena);
  if (!value || (element.front() == 'k' && value->type != ValueType::kMap)) return no_field_set();
  std::string text(element.substr(0, 2));
  codec::encode_json_any(*value, text);
  return text;
}

}  // namespace

Result<void> FieldSet::read(const Value& value, int depth) {
  if (value.type != ValueType::kMap || depth > kMaxFieldSetDepth) return no_field_set();
  if (value.node->size == 0 && depth > 0) member_ = true;
  for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
    std::string_view element = value.node->data[i].as_text();
    if (element == ".") {
      member_ = depth > 0;
      continue;
    }
    TIPHYS_TRY(std::string, known, canonical_element(element));
    if (known.empty()) continue;
    // As a rule they come in order.
    auto child = children_.try_emplace(children_.end(), std::move(known));
    auto done = child->second.read(value.node->data[i + 1], depth + 1);
    if (!done) return done;
    if (child->second.empty()) children_.erase(child);
  }
  return {};
}

Result<FieldSet> FieldSet::parse(std::string_view fields_v1) {
  Arena arena;
  auto any = codec::decode_json_any(fields_v1, arena);
  if (!any) return any.error();
  FieldSet set;
  auto done = set.read(*any, 0);
  if (!done) return done.error();
  return set;
}

}  // namespace tiphys::apiserver
