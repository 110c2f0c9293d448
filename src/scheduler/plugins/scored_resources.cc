#include "scheduler/plugins/scored_resources.h"

#include <limits>

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

int64_t sum(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? std::numeric_limits<int64_t>::max() : out;
}

}  // namespace

ScoredResource::Fill ScoredResource::on(const NodeInfo& node) const {
  const Resources &have = node.allocatable, &used = node.requested;
  switch (kind) {
    case Kind::kCpu:
      return {sum(nonzero ? node.nonzero_milli_cpu : used.milli_cpu, want), have.milli_cpu};
    case Kind::kMemory:
      return {sum(nonzero ? node.nonzero_memory : used.memory, want), have.memory};
    case Kind::kEphemeralStorage:
      return {sum(used.ephemeral_storage, want), have.ephemeral_storage};
    case Kind::kOther:
      return {sum(used.other(name), want), have.other(name)};
  }
  return {};
}

std::vector<ScoredResource> scored_resources(std::span<const ResourceWeight> resources,
                                             const PodInfo& pod, bool nonzero) {
  std::vector<ScoredResource> made;
  made.reserve(resources.size());
  for (const ResourceWeight& resource : resources) {
    Kind kind = kind_of(resource.name);
    int64_t want = wanted(pod, kind, resource.name, nonzero);
    if (kind == Kind::kOther && want == 0) continue;
    made.push_back({kind, nonzero, resource.name, resource.weight, want});
  }
  return made;
}

}  // namespace tiphys::scheduler
