// Format strings: %s %d %f %e %b %x %X %o with a precision, %%.
#include <algorithm>
#include <charconv>
#include <optional>

#include "cel/literal_checks.h"

namespace tiphys::cel {
namespace {

// A clause takes these kinds of values, and says so otherwise.
struct Clause {
  std::string_view letters;
  std::vector<TypeKind> kinds;
  std::string_view error;
};

const std::vector<Clause>& clauses() {
  using enum TypeKind;
  static const std::vector<Clause> list = {
      {"d", {kInt, kUint}, "decimal clause can only be used on integers, was given "},
      {"f", {kDouble, kString}, "fixed-point clause can only be used on doubles, was given "},
      {"e", {kDouble, kString}, "scientific clause can only be used on doubles, was given "},
      {"b", {kInt, kUint, kBool}, "only integers and bools can be formatted as binary, was given "},
      {"xX",
       {kInt, kUint, kString, kBytes},
       "only integers, byte buffers, and strings can be formatted as hex, was given "},
      {"o", {kInt, kUint}, "octal clause can only be used on integers, was given "},
      {"s",
       {kList, kMap, kInt, kUint, kDouble, kBool, kString, kTimestamp, kBytes, kDuration, kType,
        kNull},
       "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, "
       "types, durations, and timestamps, was given "}};
  return list;
}

bool takes(const Clause& clause, const Type& type) {
  return type.kind == TypeKind::kDyn || std::ranges::count(clause.kinds, type.kind) > 0;
}

// The part of the argument that the clause does not take; null: it takes all.
const Expr* misfit(const Clause& clause, const Expr& argument) {
  if (!takes(clause, *argument.type)) return &argument;
  if (clause.letters != "s") return nullptr;
  if (argument.kind == ExprKind::kList) {
    for (const Expr* item : argument.args) {
      if (const Expr* found = misfit(clause, *item)) return found;
    }
  }
  if (argument.kind != ExprKind::kMap) return nullptr;
  for (const Entry& entry : argument.entries) {
    if (const Expr* found = misfit(clause, *entry.key)) return found;
    if (const Expr* found = misfit(clause, *entry.value)) return found;
  }
  return nullptr;
}

class FormatChecker {
 public:
  FormatChecker(const Expr& call, Issues& issues)
      : call_(call), args_(call.args[0]->args), issues_(issues) {}

  void run() {
    std::string_view format = std::get<std::string_view>(call_.target->literal);
    size_t next = 0;
    for (size_t at = 0; at < format.size(); ++at) {
      if (format[at] != '%') continue;
      if (format.substr(at).starts_with("%%")) {
        ++at;
        continue;
      }
      if (at + 1 == format.size()) return report("unexpected end of string");
      if (next >= args_.size()) {
        return report("index " + std::to_string(next) + " out of range");
      }
      if (!clause(format, ++at, *args_[next++])) return;
    }
    if (args_.size() > next) {
      report("too many arguments supplied to string.format (expected " + std::to_string(next) +
             ", got " + std::to_string(args_.size()) + ")");
    }
  }

 private:
  void report(std::string message) { issues_.add(call_.offset, std::move(message)); }

  bool malformed(std::string_view message) {
    report("could not parse formatting clause: " + std::string(message));
    return false;
  }

  // at: of the first character after %, then of the clause's letter.
  bool clause(std::string_view format, size_t& at, const Expr& argument) {
    if (format[at] == '.' && !precision(format, at)) return false;
    char letter = format[at];
    for (const Clause& candidate : clauses()) {
      if (candidate.letters.find(letter) == std::string_view::npos) continue;
      const Expr* found = misfit(candidate, argument);
      if (!found) return true;
      issues_.add(found->offset, "error during formatting: " + std::string(candidate.error) +
                                     std::string(found->type->name));
      return false;
    }
    std::string shown;
    append_utf8(shown, static_cast<unsigned char>(letter));
    return malformed("unrecognized formatting clause \"" + shown + "\"");
  }

  bool precision(std::string_view format, size_t& at) {
    size_t start = ++at;
    while (at < format.size() && format[at] >= '0' && format[at] <= '9') ++at;
    if (at == format.size()) {
      return malformed("error while parsing precision: could not find end of precision specifier");
    }
    std::string_view digits = format.substr(start, at - start);
    int64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc()) return true;
    std::string_view why = digits.empty() ? "invalid syntax" : "value out of range";
    return malformed(
        "error while parsing precision: error while converting precision to integer: "
        "strconv.Atoi: parsing \"" +
        std::string(digits) + "\": " + std::string(why));
  }

  const Expr& call_;
  const std::vector<Expr*>& args_;
  Issues& issues_;
};

}  // namespace

void check_format(const Expr& call, Issues& issues) { FormatChecker(call, issues).run(); }

}  // namespace tiphys::cel
