#include "scheduler/volume_matching.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::scheduler {
namespace {

bool has_modes(const Volume& volume, const Claim& claim) {
  const std::vector<std::string>& modes = volume.access_modes;
  return std::all_of(claim.access_modes.begin(), claim.access_modes.end(),
                     [&](const std::string& mode) {
                       return std::find(modes.begin(), modes.end(), mode) != modes.end();
                     });
}

// What even a volume that names the claim must be.
bool suits(const Volume& volume, const Claim& claim) {
  return volume.class_name == claim.class_name && volume.capacity >= claim.requested.value_or(0) &&
         volume.volume_mode == claim.volume_mode &&
         volume.attributes_class == claim.attributes_class && !volume.deleting;
}

bool smaller(const Volume* a, const Volume* b) {
  if (a->capacity != b->capacity) return a->capacity < b->capacity;
  return a->name < b->name;
}

// Volumes that suit a claim, found by node: those that a label pins to few nodes are looked at for
// these only.
class Candidates {
 public:
  void add(const Volume& volume) { list_of(volume).push_back(&volume); }
  void sort() {
    std::sort(anywhere_.begin(), anywhere_.end(), smaller);
    for (auto& [key, by_value] : pinned_) {
      for (auto& [value, list] : by_value) std::sort(list.begin(), list.end(), smaller);
    }
  }
  // The smallest that can be used from the node and isn't taken; null: none.
  const Volume* smallest(const Labels& node, const std::set<const Volume*>& taken) const {
    const Volume* best = first(anywhere_, node, taken);
    for (const auto& [key, by_value] : pinned_) {
      auto list = by_value.find(node.find(key));
      if (list == by_value.end()) continue;
      const Volume* found = first(list->second, node, taken);
      if (found != nullptr && (best == nullptr || smaller(found, best))) best = found;
    }
    return best;
  }

 private:
  using List = std::vector<const Volume*>;
  List& list_of(const Volume& volume) {
    return volume.pin_key.empty() ? anywhere_ : pinned_[volume.pin_key][volume.pin_value];
  }
  static const Volume* first(const List& list, const Labels& node,
                             const std::set<const Volume*>& taken) {
    for (const Volume* volume : list) {
      if (!taken.contains(volume) && volume->usable_from(node)) return volume;
    }
    return nullptr;
  }
  List anywhere_;
  std::map<std::string_view, std::map<std::string_view, List>> pinned_;
};

}  // namespace

struct ClaimMatcher::Wanted {
  const Claim* claim;
  const StorageClass* storage_class;
  const std::string* selected_node;  // null: open
  const Volume* named = nullptr;     // a volume that names the claim: this or none
  Candidates candidates;             // if none does
  bool capacity_counts = false;
  std::vector<const StorageCapacity*> capacities;  // large enough
};

std::string missing_claim(const VolumeIndex& volumes, const PodClaim& claim) {
  if (volumes.claim(claim.key) != nullptr) return "";
  return "persistentvolumeclaim " + go_quote(claim.name) + " not found";
}

std::string foreign_claim(const PodInfo& pod, const PodClaim& wanted, const Claim& claim) {
  if (!wanted.ephemeral || claim.controller_uid == pod.uid) return "";
  return "PVC " + claim.key + " was not created for pod " + pod.key + " (pod is not owner)";
}

ClaimMatcher::ClaimMatcher(const PodInfo& pod, const VolumeIndex& volumes) : volumes_(volumes) {
  for (const PodClaim& wanted : pod.claims) {
    const Claim* claim = volumes.claim(wanted.key);
    std::string name = go_quote(wanted.name);
    if (claim == nullptr && wanted.ephemeral) {
      refusal_ =
          "waiting for ephemeral volume controller to create the persistentvolumeclaim " + name;
    } else if (claim == nullptr) {
      refusal_ = missing_claim(volumes, wanted);
    } else if (claim->lost) {
      refusal_ = "persistentvolumeclaim " + name + " bound to non-existent persistentvolume " +
                 go_quote(claim->volume_name);
    } else if (claim->deleting) {
      refusal_ = "persistentvolumeclaim " + name + " is being deleted";
    } else {
      refusal_ = foreign_claim(pod, wanted, *claim);
    }
    if (!refusal_.empty()) return;
  }
  sort_out(pod);
}

ClaimMatcher::~ClaimMatcher() = default;

void ClaimMatcher::sort_out(const PodInfo& pod) {
  for (const PodClaim& named : pod.claims) {
    const Claim& claim = *volumes_.claim(named.key);
    if (claim.bound) {
      bound_.push_back(&claim);
      continue;
    }
    const StorageClass* storage_class = volumes_.find_class(claim.class_name);
    bool waits = storage_class != nullptr && storage_class->waits_for_consumer;
    if (!waits || !claim.volume_name.empty()) {
      refusal_ = "pod has unbound immediate PersistentVolumeClaims";
      return;
    }
    want(claim);
  }
  std::sort(wanted_.begin(), wanted_.end(), [](const auto& a, const auto& b) {
    int64_t ours = a->claim->requested.value_or(0), theirs = b->claim->requested.value_or(0);
    return ours != theirs ? ours < theirs : a->claim->key < b->claim->key;
  });
}

void ClaimMatcher::want(const Claim& claim) {
  auto wanted = std::make_unique<Wanted>();
  wanted->claim = &claim;
  wanted->storage_class = volumes_.find_class(claim.class_name);
  wanted->selected_node = volumes_.selected_node(claim);
  for (const auto& [name, volume] : volumes_.volumes_for(claim)) {
    if (!suits(*volume, claim)) continue;
    wanted->named = volume;
    break;
  }
  if (wanted->named == nullptr && wanted->selected_node == nullptr) {
    for (const auto& [name, volume] : volumes_.free_volumes(claim.class_name)) {
      if (!suits(*volume, claim) || volumes_.is_assumed(*volume)) continue;
      if (claim.selector && !claim.selector->matches(volume->labels)) continue;
      if (has_modes(*volume, claim)) wanted->candidates.add(*volume);
    }
    wanted->candidates.sort();
  }
  const StorageClass& storage_class = *wanted->storage_class;
  if (claim.requested && volumes_.tracks_capacity(storage_class.provisioner)) {
    wanted->capacity_counts = true;
    for (const StorageCapacity* capacity : volumes_.capacities(storage_class.name)) {
      if (!capacity->limit || *capacity->limit < *claim.requested) continue;
      wanted->capacities.push_back(capacity);
    }
  }
  wanted_.push_back(std::move(wanted));
}

ClaimMatcher::OnNode ClaimMatcher::on(const NodeInfo& node) const {
  OnNode answer;
  check_bound(node, answer);
  provide(node, answer);
  return answer;
}

void ClaimMatcher::check_bound(const NodeInfo& node, OnNode& answer) const {
  for (const Claim* claim : bound_) {
    const Volume* volume = volumes_.volume(claim->volume_name);
    if (volume == nullptr) {
      answer.volume_missing = true;
      return;
    }
    if (!volume->usable_from(node.labels)) {
      answer.affinity_conflict = true;
      return;
    }
  }
}

void ClaimMatcher::provide(const NodeInfo& node, OnNode& answer) const {
  std::vector<const Wanted*> to_make;
  for (const auto& wanted : wanted_) {
    if (wanted->selected_node == nullptr) continue;
    if (*wanted->selected_node != node.name) {
      answer.unbindable = true;
      return;
    }
    to_make.push_back(wanted.get());
  }
  Taken taken;
  for (const auto& wanted : wanted_) {
    if (wanted->selected_node != nullptr) continue;
    const Volume* found = wanted->named;
    if (found == nullptr) {
      found = wanted->candidates.smallest(node.labels, taken);
    } else if (taken.contains(found) || !found->usable_from(node.labels)) {
      found = nullptr;
    }
    if (found == nullptr) {
      to_make.push_back(wanted.get());
      continue;
    }
    taken.insert(found);
    answer.bindings.push_back({wanted->claim, found});
  }
  for (const Wanted* wanted : to_make) {
    if (!provision(*wanted, node, answer)) return;
  }
}

// Whether a volume can be made for the claim where the node can use it.
bool ClaimMatcher::provision(const Wanted& wanted, const NodeInfo& node, OnNode& answer) {
  const StorageClass& storage_class = *wanted.storage_class;
  if (!storage_class.provisions() || !storage_class.allows(node.labels)) {
    answer.unbindable = true;
    return false;
  }
  const StorageCapacity* fits = nullptr;
  for (const StorageCapacity* capacity : wanted.capacities) {
    if (!capacity->nodes || !capacity->nodes->matches(node.labels)) continue;
    fits = capacity;
    break;
  }
  if (wanted.capacity_counts && fits == nullptr) {
    answer.no_space = true;
    return false;
  }
  answer.provisions.push_back({wanted.claim, fits});
  return true;
}

VolumePlan ClaimMatcher::plan(const NodeInfo& node) const {
  OnNode answer = on(node);
  VolumePlan plan;
  plan.node = node.name;
  for (const Binding& binding : answer.bindings) {
    plan.bindings.push_back({binding.volume->name, binding.claim->key, binding.claim->uid, ""});
  }
  for (const Provision& provision : answer.provisions) {
    plan.provisions.push_back({provision.claim->key, provision.claim->uid, ""});
  }
  return plan;
}

}  // namespace tiphys::scheduler
