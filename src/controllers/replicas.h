// Replicas: keeping a wished number of pods of one template, the core that ReplicaSet and
// ReplicationController share. Pure.
// Source: k8s.io/kubernetes pkg/controller/replicaset.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace tiphys::controllers {

inline constexpr int32_t kBurstReplicas = 2500;  // pods created or deleted in one round

// Why pods could not be created or deleted last time.
struct ReplicaFailure {
  std::string reason;  // "FailedCreate" or "FailedDelete"
  std::string message;
};

struct ReplicaWorld {
  ObjectPtr owner;
  const schema::Resource* resource = nullptr;  // of the owner
  LabelSelector selector;
  int32_t replicas = 0;
  int32_t min_ready_seconds = 0;
  core_v1::PodTemplateSpec pod_template;
  std::vector<ObjectPtr> candidates;  // pods that it controls or might adopt
  // Pods that count for spreading deletions over nodes; asked only when some must go.
  std::function<std::vector<ObjectPtr>()> related;
};

struct ReplicaCounts {
  int32_t replicas = 0;
  int32_t fully_labeled = 0;
  int32_t ready = 0;
  int32_t available = 0;
  int32_t terminating = 0;
  bool operator==(const ReplicaCounts&) const = default;
};

struct ReplicaPlan {
  ReplicaCounts counts;
  int32_t missing = 0;  // pods; negative: too many
  Decision decision;    // adoptions, releases, creations (tag "create"), deletions (tag "delete")
};

ReplicaPlan plan_replicas(const ReplicaWorld& world, MicroTime now);

}  // namespace tiphys::controllers
