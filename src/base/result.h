// Result<T>: a value or an ApiStatus. Errors are values; exceptions never cross a folder.
//
//   Result<int> parse(std::string_view text);
//   auto n = parse("5"); if (!n) return n.error();     // converts into any Result<U>
//   TIPHYS_TRY(int, m, parse("6"));                    // the same in one line
#pragma once
#include <expected>
#include <utility>

#include "base/status.h"

namespace tiphys {

template <class T>
class [[nodiscard]] Result : public std::expected<T, ApiStatus> {
 public:
  using Base = std::expected<T, ApiStatus>;
  using Base::Base;
  Result(ApiStatus error) : Base(std::unexpect, std::move(error)) {}  // NOLINT: implicit by design
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, ApiStatus> {
 public:
  using Base = std::expected<void, ApiStatus>;
  using Base::Base;
  Result(ApiStatus error) : Base(std::unexpect, std::move(error)) {}  // NOLINT: implicit by design
};

#define TIPHYS_CONCAT2(a, b) a##b
#define TIPHYS_CONCAT(a, b) TIPHYS_CONCAT2(a, b)
// Declares `type name` from a Result expression or returns its error (from plain functions).
#define TIPHYS_TRY(type, name, expression)                   \
  auto TIPHYS_CONCAT(try_, __LINE__) = (expression);         \
  if (!TIPHYS_CONCAT(try_, __LINE__)) {                      \
    return std::move(TIPHYS_CONCAT(try_, __LINE__).error()); \
  }                                                          \
  type name = std::move(*TIPHYS_CONCAT(try_, __LINE__))
// The same inside a coroutine (bind the awaited Result to a variable first).
#define TIPHYS_CO_TRY(type, name, result)    \
  if (!(result)) co_return (result).error(); \
  type name = std::move(*(result))

}  // namespace tiphys
