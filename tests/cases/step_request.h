// Requests of steps: the HTTP request that a step stands for, in the format of the mode. Pure.
#pragma once
#include <string>

#include "net/http.h"
#include "object/value.h"

namespace tiphys::cases {

enum class Format : uint8_t { kJson, kProtobuf };

struct StepRequest {
  net::Request request;
  int success = 200;  // the status unless the step expects another
  bool writes = false;
  bool watch = false;
};

// A resource by name, as the steps write it: "pods", "deployments/web", "deployments/web/status",
// "events.events.k8s.io", "horizontalpodautoscalers.v1.autoscaling/h"; namespaced ones in `ns`
// ("*": in all namespaces). The path, or an error that names what is unknown.
Result<std::string> path_of(std::string_view reference, std::string_view ns);
// The path of an object: of its collection, or its own.
Result<std::string> path_of_object(const Node& object, std::string_view ns, bool own);

// `step` has its variables replaced. With kProtobuf, bodies of verbs on resources are encoded as
// protobuf where their type can hold them, and protobuf is accepted; `request` steps and Tables
// stay JSON.
Result<StepRequest> make_request(const Node& step, std::string_view ns, Format format);

}  // namespace tiphys::cases
