// The walker over the rules of api/v1.35/validation.json: what upstream's Validate* functions
// report, from rows (schema/rule.h). Pure; safe from any thread.
//
// Rows run in their order; `rules` rows descend into nested messages. At an update each node is
// walked along with its old one (list items are paired by their map keys, else by being equal).
#pragma once
#include <initializer_list>
#include <memory>
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "apiserver/validation/names.h"
#include "object/object.h"
#include "schema/message.h"

namespace tiphys::apiserver {

class PolicyExpressions;

struct RuleScope {
  const Object& object;
  const Object* old = nullptr;  // null: creation
  // Made by the first call that compiles an expression (policy_calls.cc).
  mutable std::shared_ptr<PolicyExpressions> expressions = nullptr;
};

// What a `call` row's function gets. Everything is borrowed for the call.
struct RuleInput {
  const RuleScope& scope;
  const schema::Field* field;  // null: the row names no field, the value is the message itself
  const Node& parent;          // the message that holds the field
  const Value& value;          // null: absent
  const Value& old;            // null: absent or creation
  const FieldPath& path;
  std::string_view detail;  // the row's

  bool updating() const { return scope.old != nullptr; }
};

using RuleCall = void (*)(const RuleInput& input, FieldErrors& errors);
using RuleFormat = Messages (*)(std::string_view text);

// By the names that rows use; null: there is none (rules_test checks every row).
RuleCall find_rule_call(std::string_view name);
RuleFormat find_rule_format(std::string_view name);

// The rows of the object's kind, or (status) of its status subresource.
void validate_rules(const RuleScope& scope, bool status, FieldErrors& errors);

// The rows of a message somewhere in an object, as at a creation. Its calls see the message alone.
void validate_part(const schema::Message& type, const Node& node, const FieldPath& path,
                   FieldErrors& errors);

// Only the rows of some of its fields: upstream's order may have other checks between them.
void validate_fields(const schema::Message& type, const Node& node,
                     std::initializer_list<std::string_view> fields, const FieldPath& path,
                     FieldErrors& errors);

// A field's value as field.Error prints it: texts quoted, numbers plain, the rest as JSON.
std::string printed_value(const schema::Field& field, const Value& value);
// The same of a struct's direct field. Requires: the message has it.
std::string printed_field(const schema::Message& message, const Node& node, std::string_view name);

}  // namespace tiphys::apiserver
