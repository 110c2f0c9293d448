#include "apiserver/handlers/label_selector.h"

#include <algorithm>

#include "apiserver/validation/names.h"
#include "base/strings.h"

namespace tiphys::apiserver {

class LabelSelectorParser {
 public:
  explicit LabelSelectorParser(std::string_view text) : text_(text) { advance(); }

  Result<LabelSelector> parse() {
    LabelSelector selector;
    if (kind_ == Kind::kEnd) return selector;
    for (;;) {
      if (kind_ != Kind::kWord && kind_ != Kind::kNot) {
        return fail("found '" + token_ + "', expected: !, identifier, or 'end of string'");
      }
      auto requirement = parse_requirement();
      if (!requirement) return requirement.error();
      selector.requirements_.push_back(std::move(*requirement));
      if (kind_ == Kind::kEnd) return selector;
      if (kind_ != Kind::kComma) {
        return fail("found '" + token_ + "', expected: ',' or 'end of string'");
      }
      advance();
      if (kind_ != Kind::kWord && kind_ != Kind::kNot) {
        return fail("found '" + token_ + "', expected: identifier after ','");
      }
    }
  }

 private:
  using Operator = LabelSelector::Operator;
  enum class Kind : uint8_t {
    kEnd,
    kWord,
    kComma,
    kOpen,
    kClose,
    kNot,
    kEquals,
    kDoubleEquals,
    kNotEquals,
    kGreater,
    kLess
  };

  static ApiStatus fail(std::string why) {
    return ApiStatus::bad_request("unable to parse requirement: " + why);
  }

  static bool special(char c) {
    return c == '=' || c == '!' || c == '(' || c == ')' || c == ',' || c == '>' || c == '<';
  }

  void advance() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
    if (at_ == text_.size()) return set(Kind::kEnd, 0);
    char c = text_[at_];
    char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == ',') return set(Kind::kComma, 1);
    if (c == '(') return set(Kind::kOpen, 1);
    if (c == ')') return set(Kind::kClose, 1);
    if (c == '>') return set(Kind::kGreater, 1);
    if (c == '<') return set(Kind::kLess, 1);
    if (c == '=') return next == '=' ? set(Kind::kDoubleEquals, 2) : set(Kind::kEquals, 1);
    if (c == '!') return next == '=' ? set(Kind::kNotEquals, 2) : set(Kind::kNot, 1);
    size_t end = at_;
    while (end < text_.size() && !special(text_[end]) &&
           std::string_view(" \t\r\n").find(text_[end]) == std::string_view::npos) {
      ++end;
    }
    set(Kind::kWord, end - at_);
  }

  void set(Kind kind, size_t size) {
    kind_ = kind;
    token_ = text_.substr(at_, size);
    at_ += size;
  }

  Result<LabelSelector::Requirement> parse_requirement() {
    LabelSelector::Requirement requirement;
    bool negated = kind_ == Kind::kNot;
    if (negated) advance();
    if (kind_ != Kind::kWord) return fail("found '" + token_ + "', expected: identifier");
    requirement.key = token_;
    Messages bad = check_qualified_name(requirement.key);
    if (!bad.empty()) {
      return ApiStatus::bad_request("unable to parse requirement: <nil>: Invalid value: " +
                                    go_quote(requirement.key) + ": " + join(bad, "; "));
    }
    advance();
    if (negated || kind_ == Kind::kEnd || kind_ == Kind::kComma) {
      requirement.op = negated ? Operator::kDoesNotExist : Operator::kExists;
      return requirement;
    }
    auto parsed = parse_operator(requirement);
    if (!parsed) return parsed.error();
    return requirement;
  }

  Result<void> parse_operator(LabelSelector::Requirement& requirement) {
    if (kind_ == Kind::kWord && (token_ == "in" || token_ == "notin")) {
      requirement.op = token_ == "in" ? Operator::kIn : Operator::kNotIn;
      advance();
      return parse_values(requirement);
    }
    switch (kind_) {
      case Kind::kEquals:
      case Kind::kDoubleEquals:
        requirement.op = Operator::kIn;
        break;
      case Kind::kNotEquals:
        requirement.op = Operator::kNotIn;
        break;
      case Kind::kGreater:
        requirement.op = Operator::kGreater;
        break;
      case Kind::kLess:
        requirement.op = Operator::kLess;
        break;
      default:
        return fail("found '" + token_ + "', expected: in, notin, =, ==, !=, gt, lt");
    }
    advance();
    // "a=" asks for the empty value.
    std::string value = kind_ == Kind::kWord ? token_ : std::string();
    if (kind_ == Kind::kWord) advance();
    return add_value(requirement, std::move(value));
  }

  Result<void> parse_values(LabelSelector::Requirement& requirement) {
    if (kind_ != Kind::kOpen) return fail("found '" + token_ + "' expected: '('");
    advance();
    std::string value;
    for (;;) {
      if (kind_ == Kind::kWord) {
        value = token_;
      } else if (kind_ == Kind::kComma || kind_ == Kind::kClose) {
        auto added = add_value(requirement, std::move(value));
        if (!added) return added;
        value.clear();
        if (kind_ == Kind::kClose) break;
      } else {
        return fail("found '" + token_ + "', expected: ',', ')' or identifier");
      }
      advance();
    }
    advance();
    return {};
  }

  Result<void> add_value(LabelSelector::Requirement& requirement, std::string value) {
    if (requirement.op == Operator::kGreater || requirement.op == Operator::kLess) {
      if (!parse_int(value)) {
        return ApiStatus::bad_request("unable to parse requirement: values[0][" + requirement.key +
                                      "]: Invalid value: " + go_quote(value) +
                                      ": for 'Gt', 'Lt' operators, the value must be an integer");
      }
    } else {
      Messages bad = check_label_value(value);
      if (!bad.empty()) {
        return ApiStatus::bad_request("unable to parse requirement: values[" +
                                      std::to_string(requirement.values.size()) + "][" +
                                      requirement.key + "]: Invalid value: " + go_quote(value) +
                                      ": " + join(bad, "; "));
      }
    }
    requirement.values.push_back(std::move(value));
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  Kind kind_ = Kind::kEnd;
  std::string token_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return LabelSelectorParser(text).parse();
}

bool LabelSelector::holds(const Requirement& requirement, const Node& labels) {
  const Value& value = labels.find(requirement.key);
  bool there = !value.is_null();
  auto listed = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), value.as_text()) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::kIn:
      return there && listed();
    case Operator::kNotIn:
      return !there || !listed();
    case Operator::kExists:
      return there;
    case Operator::kDoesNotExist:
      return !there;
    case Operator::kGreater:
    case Operator::kLess:
      break;
  }
  auto number = parse_int(value.as_text());
  auto bound = parse_int(requirement.values.front());
  if (!there || !number || !bound) return false;
  return requirement.op == Operator::kGreater ? *number > *bound : *number < *bound;
}

bool LabelSelector::matches(const Node& labels) const {
  for (const Requirement& requirement : requirements_) {
    if (!holds(requirement, labels)) return false;
  }
  return true;
}

}  // namespace tiphys::apiserver
