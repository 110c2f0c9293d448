// Strategy: what is special about one kind, on top of the generic registry: a table of optional
// pure functions, as pkg/registry/<group>/<kind>/strategy.go upstream. Stateless; loop thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/lookup.h"
#include "apiserver/registry/field_error.h"
#include "apiserver/user.h"
#include "base/time.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

struct StrategyContext {
  const schema::Resource* resource = nullptr;
  std::string_view subresource;
  bool updating = false;
  const UserInfo* user = nullptr;
  const Lookup* lookup = nullptr;
  MicroTime now = 0;
  std::vector<std::string>* warnings = nullptr;  // of the answer; null: nobody reads them
};

struct Strategy {
  // Before validation: drop what clients may not set (status at create), set generation and so on.
  void (*prepare_for_create)(const StrategyContext&, Draft& object) = nullptr;
  void (*prepare_for_update)(const StrategyContext&, Draft& object, const Object& old) = nullptr;
  // What upstream reports before the errors of metadata and rows. old: null at creation.
  void (*validate_first)(const StrategyContext&, const Object& object, const Object* old,
                         FieldErrors& errors) = nullptr;
  // All errors, in upstream's order.
  void (*validate)(const StrategyContext&, const Object& object, FieldErrors& errors) = nullptr;
  void (*validate_update)(const StrategyContext&, const Object& object, const Object& old,
                          FieldErrors& errors) = nullptr;
  // Grace period in seconds of a graceful deletion; negative: not graceful. Requested: the
  // client's, or -1.
  int64_t (*grace_period)(const Object& object, int64_t requested) = nullptr;
};

// The strategy of a resource (by group and plural name; all versions share it).
const Strategy& find_strategy(std::string_view group, std::string_view resource);

}  // namespace tiphys::apiserver
