// Strategies of the apps group.
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/workload.h"

namespace tiphys::apiserver {

Strategy deployment_strategy() {
  return {.validate =
              [](const StrategyContext&, const Object& object, FieldErrors& errors) {
                validate_deployment(apps_v1::Deployment(object), errors);
              },
          .validate_update =
              [](const StrategyContext& context, const Object& object, const Object& old,
                 FieldErrors& errors) {
                if (!context.subresource.empty()) return;
                validate_deployment_update(apps_v1::Deployment(object), apps_v1::Deployment(old),
                                           errors);
              }};
}

Strategy replica_set_strategy() {
  return {.validate =
              [](const StrategyContext&, const Object& object, FieldErrors& errors) {
                validate_replica_set(apps_v1::ReplicaSet(object), errors);
              },
          .validate_update =
              [](const StrategyContext& context, const Object& object, const Object& old,
                 FieldErrors& errors) {
                if (!context.subresource.empty()) return;
                validate_replica_set_update(apps_v1::ReplicaSet(object), apps_v1::ReplicaSet(old),
                                            errors);
              }};
}

Strategy daemon_set_strategy() {
  return {.validate =
              [](const StrategyContext&, const Object& object, FieldErrors& errors) {
                validate_daemon_set(apps_v1::DaemonSet(object), errors);
              },
          .validate_update =
              [](const StrategyContext& context, const Object& object, const Object&,
                 FieldErrors& errors) {
                if (context.subresource.empty()) {
                  validate_daemon_set(apps_v1::DaemonSet(object), errors);
                }
              }};
}

Strategy stateful_set_strategy() {
  return {.validate =
              [](const StrategyContext&, const Object& object, FieldErrors& errors) {
                validate_stateful_set(apps_v1::StatefulSet(object), errors);
              },
          .validate_update =
              [](const StrategyContext& context, const Object& object, const Object&,
                 FieldErrors& errors) {
                if (context.subresource.empty()) {
                  validate_stateful_set(apps_v1::StatefulSet(object), errors);
                }
              }};
}

}  // namespace tiphys::apiserver
