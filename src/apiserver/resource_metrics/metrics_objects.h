// NodeMetrics and PodMetrics of nodes and pods, from their usage. Pure.
#pragma once
#include "apiserver/resource_metrics/usage_store.h"
#include "object/object.h"

namespace tiphys::apiserver {

// Null: no usage is known.
ObjectPtr node_metrics(const Object& node, const UsageStore& usage, MicroTime now);
ObjectPtr pod_metrics(const Object& pod, const UsageStore& usage, MicroTime now);

}  // namespace tiphys::apiserver
