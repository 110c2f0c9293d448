// Environment: the variables, functions and object types that an expression may use.
//
// An environment may stand on a base, which must outlive it and stay as it is: the base of all is
// kubernetes_environment(), made once. Adding is for one thread; constant environments may be read
// from any.
// Source: github.com/google/cel-go checker/env.go; k8s.io/apiserver v0.35 pkg/cel/environment.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cel/type.h"

namespace tiphys::cel {

struct Overload {
  std::string_view id;
  bool member = false;  // args[0] is the receiver
  std::vector<const Type*> args;
  const Type* result = nullptr;
  std::vector<const Type*> params;  // the type parameters in it
};

// One overload, as text: "contains", "contains_string", "string.(string) -> bool". Types are
// written as in type errors, parameters as single capitals, object types with their dots.
struct Declaration {
  std::string_view function;
  std::string_view id;
  std::string_view signature;
};

using ObjectFields = std::map<std::string, const Type*, std::less<>>;

class Environment {
 public:
  explicit Environment(const Environment* base = nullptr);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  TypeTable& types() { return types_; }
  const TypeTable& types() const { return types_; }
  // Texts of the declaration are borrowed.
  void declare(const Declaration& declaration);
  // A later variable hides an earlier one.
  void add_variable(std::string_view name, const Type* type);
  // A type with fields; adds to the fields it has here, or replaces them.
  const Type* add_object(std::string_view name, ObjectFields fields);

  // A field of an object type, which becomes known by it; its type written as in declarations.
  void declare_field(std::string_view object, std::string_view field, std::string_view type);

  // Makes cel.bind() a macro, here and in what stands on it.
  void enable_bind() { bind_ = true; }
  bool has_bind() const { return bind_; }

  // The type of a variable, or type(T) for the name of a type; null: no such name.
  const Type* find_identifier(std::string_view name) const;
  // In the order of their declaration; null: no such function.
  const std::vector<Overload>* find_function(std::string_view name) const;
  // Null: no object type of this name has fields.
  const ObjectFields* find_object(std::string_view name) const;

 private:
  const Environment* base_;
  bool bind_;
  TypeTable types_;
  std::map<std::string, const Type*, std::less<>> identifiers_;
  std::map<std::string, ObjectFields, std::less<>> objects_;
  std::map<std::string, std::vector<Overload>, std::less<>> functions_;
};

// The standard library and what the API server of v1.35 adds: optional types, strings, lists,
// sets, regex, URLs, IP and CIDR, quantities, formats, semver, the authorizer. No variables.
const Environment& kubernetes_environment();

}  // namespace tiphys::cel
