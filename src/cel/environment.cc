#include "cel/environment.h"

#include <algorithm>

#include "cel/libraries.h"

namespace tiphys::cel {
namespace {

// Reads the types of a declaration. They are the program's own: malformed ones are bugs, and the
// tests read them all.
class SignatureReader {
 public:
  SignatureReader(TypeTable& types, std::string_view text) : types_(types), text_(text) {}

  const Type* read_type() { return type(); }

  Overload read() {
    Overload overload;
    if (!next_is('(')) {
      overload.member = true;
      overload.args.push_back(type());
      skip(".");
    }
    skip("(");
    while (!next_is(')')) {
      overload.args.push_back(type());
      if (next_is(',')) skip(", ");
    }
    skip(") -> ");
    overload.result = type();
    overload.params = std::move(params_);
    return overload;
  }

 private:
  bool next_is(char c) const { return text_.starts_with(c); }
  void skip(std::string_view expected) {
    text_.remove_prefix(std::min(expected.size(), text_.size()));
  }

  std::string_view word() {
    size_t end = 0;
    while (end < text_.size() && (isalnum(text_[end]) || text_[end] == '_' ||
                                  (text_[end] == '.' && text_[end + 1] != '('))) {
      ++end;
    }
    std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end);
    return word;
  }

  const Type* type() {
    std::string_view name = word();
    if (name.size() == 1) return param(name);
    std::vector<const Type*> inner;
    if (next_is('(')) {
      skip("(");
      inner.push_back(type());
      if (next_is(',')) {
        skip(", ");
        inner.push_back(type());
      }
      skip(")");
    }
    if (name == "list") return types_.list(inner[0]);
    if (name == "map") return types_.map(inner[0], inner[1]);
    if (name == "type") return types_.type_of(inner[0]);
    if (name == kOptionalName) return types_.optional(inner[0]);
    if (name.starts_with("net.")) return types_.opaque(name);
    return name.find('.') != std::string_view::npos ? types_.object(name) : simple(name);
  }

  const Type* param(std::string_view name) {
    const Type* made = types_.parameter(name);
    if (std::ranges::count(params_, made) == 0) params_.push_back(made);
    return made;
  }

  const Type* simple(std::string_view name) const {
    for (int i = 0; i <= static_cast<int>(TypeKind::kTimestamp); ++i) {
      const Type* type = types_.simple(static_cast<TypeKind>(i));
      if (type_text(*type) == name) return type;
    }
    return types_.simple(TypeKind::kError);
  }

  TypeTable& types_;
  std::string_view text_;
  std::vector<const Type*> params_;
};

}  // namespace

Environment::Environment(const Environment* base)
    : base_(base), bind_(base && base->bind_), types_(base ? &base->types_ : nullptr) {}

void Environment::declare(const Declaration& declaration) {
  std::vector<Overload>& overloads = functions_[std::string(declaration.function)];
  if (const auto* known = base_ ? base_->find_function(declaration.function) : nullptr;
      known && overloads.empty()) {
    overloads = *known;
  }
  overloads.push_back(SignatureReader(types_, declaration.signature).read());
  overloads.back().id = declaration.id;
}

void Environment::add_variable(std::string_view name, const Type* type) {
  identifiers_[std::string(name)] = type;
}

const Type* Environment::add_object(std::string_view name, ObjectFields fields) {
  const Type* type = types_.object(name);
  ObjectFields& known = objects_[std::string(name)];
  for (auto& [field, field_type] : fields) known[field] = field_type;
  identifiers_[std::string(name)] = types_.type_of(type);
  return type;
}

void Environment::declare_field(std::string_view object, std::string_view field,
                                std::string_view type) {
  add_object(object, {{std::string(field), SignatureReader(types_, type).read_type()}});
}

const Type* Environment::find_identifier(std::string_view name) const {
  auto it = identifiers_.find(name);
  if (it != identifiers_.end()) return it->second;
  return base_ ? base_->find_identifier(name) : nullptr;
}

const std::vector<Overload>* Environment::find_function(std::string_view name) const {
  auto it = functions_.find(name);
  if (it != functions_.end()) return &it->second;
  return base_ ? base_->find_function(name) : nullptr;
}

const ObjectFields* Environment::find_object(std::string_view name) const {
  auto it = objects_.find(name);
  if (it != objects_.end()) return &it->second;
  return base_ ? base_->find_object(name) : nullptr;
}

const Environment& kubernetes_environment() {
  static const std::unique_ptr<const Environment> environment = [] {
    auto made = std::make_unique<Environment>();
    declare_standard_library(*made);
    declare_kubernetes_libraries(*made);
    return made;
  }();
  return *environment;
}

}  // namespace tiphys::cel
