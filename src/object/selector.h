// Label and field selectors: parse, match, and write back in canonical form.
//
// Syntax, errors and matching are those of apimachinery's labels and fields packages. Selectors are
// plain values; matching is pure and thread-safe. (A selector from a LabelSelector struct:
// kinds/label_selector.h.)
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/value.h"

namespace tiphys {

class LabelSelector {
 public:
  enum class Operator : uint8_t {
    kIn,
    kNotIn,
    kExists,
    kDoesNotExist,
    kEquals,
    kNotEquals,
    kGreaterThan,
    kLessThan
  };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;  // sorted, unique

    bool matches(const Node& labels) const;
  };

  // Matches everything.
  LabelSelector() = default;
  static LabelSelector nothing();
  // Errors: BadRequest, "unable to parse requirement: ..." and the like.
  static Result<LabelSelector> parse(std::string_view text);
  // A selector that requires every label of a map node (a Service's selector).
  static LabelSelector from_map(const Node& labels);
  // Adds a requirement after checking it. Error: BadRequest with the field error's text.
  Result<void> add(Requirement requirement);

  // labels: a map node of strings; use kEmptyNode for none.
  bool matches(const Node& labels) const;
  bool empty() const { return !nothing_ && requirements_.empty(); }  // matches everything
  bool matches_nothing() const { return nothing_; }
  const std::vector<Requirement>& requirements() const { return requirements_; }
  // "a=b,c in (d,e),!f", sorted by key.
  std::string text() const;

 private:
  std::vector<Requirement> requirements_;
  bool nothing_ = false;
};

class FieldSelector {
 public:
  struct Term {
    std::string field;
    std::string value;
    bool equal = true;
  };
  FieldSelector() = default;
  // Errors: BadRequest, "invalid selector: ...".
  static Result<FieldSelector> parse(std::string_view text);
  bool empty() const { return terms_.empty(); }
  const std::vector<Term>& terms() const { return terms_; }
  void add(Term term) { terms_.push_back(std::move(term)); }
  // value_of gives the object's value of a field, "" if it has none.
  bool matches(const std::function<std::string(std::string_view)>& value_of) const;
  // The value that `field` must equal, or null.
  const std::string* required(std::string_view field) const;
  std::string text() const;

 private:
  std::vector<Term> terms_;
};

// What is wrong with a label key ("[prefix/]name") or a label value; empty: nothing. Upstream's
// texts.
std::vector<std::string> label_key_problems(std::string_view key);
std::vector<std::string> label_value_problems(std::string_view value);

}  // namespace tiphys
