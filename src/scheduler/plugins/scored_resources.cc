#include "scheduler/plugins/scored_resources.h"

namespace tiphys::scheduler {
namespace {

using Kind = ScoredResource::Kind;

Kind kind_of(std::string_view name) {
  if (name == "cpu") return Kind::kCpu;
  if (name == "memory") return Kind::kMemory;
  return name == "ephemeral-storage" ? Kind::kEphemeralStorage : Kind::kOther;
}

int64_t wanted(const PodInfo& pod, Kind kind, std::string_view name, bool nonzero) {
  switch (kind) {
    case Kind::kCpu:
      return nonzero ? pod.nonzero_milli_cpu : pod.requests.milli_cpu;
    case Kind::kMemory:
      return nonzero ? pod.nonzero_memory : pod.requests.memory;
    case Kind::kEphemeralStorage:
      return pod.requests.ephemeral_storage;
    case Kind::kOther:
      return pod.requests.other(name);
  }
  return 0;
}

}  // namespace

ScoredResource::ScoredResource(const ResourceWeight& resource, const PodInfo& pod, bool nonzero_in)
    : kind(kind_of(resource.name)),
      nonzero(nonzero_in),
      name(resource.name),
      weight(resource.weight),
      want(wanted(pod, kind, resource.name, nonzero)) {}

ScoredResource::Fill ScoredResource::other_on(const NodeInfo& node) const {
  const Resources &have = node.allocatable, &used = node.requested;
  if (kind == Kind::kEphemeralStorage) return {sum(used.ephemeral_storage), have.ephemeral_storage};
  return {sum(used.other(name)), have.other(name)};
}

std::vector<ScoredResource> scored_resources(std::span<const ResourceWeight> resources,
                                             const PodInfo& pod, bool nonzero) {
  std::vector<ScoredResource> made;
  made.reserve(resources.size());
  for (const ResourceWeight& resource : resources) {
    ScoredResource one(resource, pod, nonzero);
    if (one.kind != Kind::kOther || one.want != 0) made.push_back(one);
  }
  return made;
}

}  // namespace tiphys::scheduler
