// Unifier: which types go together, and what type parameters stand for because of it.
//
// Belongs to one check. All work is counted: past max_steps nothing is assignable any more and
// exhausted() says so (types can be made that are exponentially larger than their expression).
// Source: github.com/google/cel-go checker/types.go.
#pragma once
#include <span>
#include <utility>
#include <vector>

#include "cel/type.h"

namespace tiphys::cel {

class Unifier {
 public:
  static constexpr int kMaxDepth = 1000;

  Unifier(TypeTable& types, size_t max_steps) : types_(types), max_steps_(max_steps) {}

  // A new parameter: _var0, _var1...
  const Type* fresh();
  // Whether a value of type `from` goes where `to` is wanted; on success (only) what parameters
  // stand for is kept.
  bool assignable(const Type* from, const Type* to);
  bool assignable(std::span<const Type* const> from, std::span<const Type* const> to);
  // The type with what its parameters stand for; unbound ones become dyn if to_dyn.
  const Type* substitute(const Type* type, bool to_dyn);
  // Of two types that go together, the one that says less.
  const Type* most_general(const Type* a, const Type* b);
  bool exhausted() const { return steps_ > max_steps_; }

 private:
  bool count(int depth);
  bool unify(const Type* from, const Type* to, int depth);
  bool unify_all(std::span<const Type* const> from, std::span<const Type* const> to, int depth);
  // Whether `param` may stand for `type`; known: it stands for something already.
  std::pair<bool, bool> bind(const Type* type, const Type* param, int depth);
  bool occurs_in(const Type* param, const Type* type, int depth);
  bool less_specific(const Type* a, const Type* b, int depth);
  const Type* substitute(const Type* type, bool to_dyn, int depth);
  void set(const Type* param, const Type* type);
  void undo(size_t mark);
  const Type* bound(const Type* param) const;

  TypeTable& types_;
  std::vector<const Type*> bindings_;                    // by the number of the parameter
  std::vector<std::pair<uint32_t, const Type*>> trail_;  // what bindings were before
  size_t max_steps_;
  size_t steps_ = 0;
};

}  // namespace tiphys::cel
