// Objects for the scheduler's tests, from short JSON.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "codec/codec.h"
#include "scheduler/schedule.h"

namespace tiphys::scheduler {

inline ObjectPtr object_of(std::string_view kind, const std::string& body,
                           std::string_view group = "") {
  Result<Draft> draft = codec::decode_object(codec::Format::kJson, body,
                                             schema::find_kind(group, "v1", kind), nullptr);
  if (!draft) ADD_FAILURE() << draft.error().message() << "\n" << body;
  if (!draft) std::abort();
  return draft->freeze();
}

// spec: members of the PodSpec beside the container, such as R"("nodeName":"a")".
struct PodShape {
  std::string name = "p";
  std::string ns = "default";
  std::string labels = "{}";
  std::string requests = "{}";
  std::string spec;
  std::string metadata;   // more members of metadata
  std::string container;  // more members of the container
  std::string status;
};

inline ObjectPtr pod_object(const PodShape& p) {
  auto more = [](const std::string& text) { return text.empty() ? "" : "," + text; };
  return object_of(
      "Pod", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + p.name +
                 R"(","namespace":")" + p.ns + R"(","uid":"uid-)" + p.ns + "-" + p.name +
                 R"(","labels":)" + p.labels + more(p.metadata) +
                 R"(},"spec":{"schedulerName":"default-scheduler","containers":[{"name":"c",)"
                 R"("image":"nginx","resources":{"requests":)" +
                 p.requests + "}" + more(p.container) + "}]" + more(p.spec) + "},\"status\":{" +
                 p.status + "}}");
}
inline PodPtr make_pod(const PodShape& shape) {
  return std::make_shared<PodInfo>(pod_object(shape));
}

struct NodeShape {
  std::string name = "n";
  std::string labels;  // members beside the host name
  std::string allocatable = R"({"cpu":"4","memory":"8Gi","pods":"110"})";
  std::string spec;    // members
  std::string status;  // more members
};

inline ObjectPtr node_object(const NodeShape& n) {
  auto more = [](const std::string& text) { return text.empty() ? "" : "," + text; };
  return object_of("Node", R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + n.name +
                               R"(","labels":{"kubernetes.io/hostname":")" + n.name + "\"" +
                               more(n.labels) + R"(}},"spec":{)" + n.spec +
                               R"(},"status":{"allocatable":)" + n.allocatable + more(n.status) +
                               "}}");
}

}  // namespace tiphys::scheduler
