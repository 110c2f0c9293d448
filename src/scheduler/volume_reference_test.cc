// The volume plugins against a slow, obviously right reference over random histories: the same
// nodes, the same volumes for the same claims, whatever came, went and was assumed before.
#include "kinds/metadata.h"
#include "scheduler/volume_matching.h"
#include "scheduler/volume_objects_test.h"

namespace tiphys::scheduler {
namespace {

using Object = tiphys::Object;

struct Placed {
  PodPtr pod;
  std::string node;
  VolumePlan plan;
};

struct World {
  std::map<std::string, ObjectPtr> nodes, claims, volumes, classes, csi_nodes, capacities;
  bool driver_tracks = false;
  std::vector<Placed> placed;
  std::vector<VolumePlan> assumed;
};

constexpr const char* kDriver = "csi.example.com";

Labels labels_of(const World& world, const std::string& node) {
  return core_v1::Node(*world.nodes.at(node)).metadata().labels();
}

bool usable(const Object& volume, const Labels& node) {
  core_v1::VolumeNodeAffinity affinity = core_v1::PersistentVolume(volume).spec().node_affinity();
  if (!affinity.has_required()) return true;
  for (core_v1::NodeSelectorTerm term : affinity.required().node_selector_terms()) {
    if (from_node_term(term).matches(node, "")) return true;
  }
  return false;
}

std::string class_of(const Object& claim) {
  return std::string(core_v1::PersistentVolumeClaim(claim).spec().storage_class_name());
}
int64_t size_of(const Object& claim) {
  return whole_value(
      core_v1::PersistentVolumeClaim(claim).spec().resources().requests().find("storage"));
}
int64_t capacity_of(const Object& volume) {
  return whole_value(core_v1::PersistentVolume(volume).spec().capacity().find("storage"));
}

// The claim that the volume is for, by its reference or as assumed; "": none.
std::string claim_of(const World& world, const std::string& name) {
  core_v1::ObjectReference ref =
      core_v1::PersistentVolume(*world.volumes.at(name)).spec().claim_ref();
  std::string claim(ref.name());
  for (const VolumePlan& plan : world.assumed) {
    for (const auto& binding : plan.bindings) {
      if (binding.volume == name && claim.empty()) claim = binding.claim.substr(8);
    }
  }
  return claim;
}

bool matches_claim(const World& world, const std::string& name, const Object& claim) {
  core_v1::PersistentVolume volume(*world.volumes.at(name));
  core_v1::PersistentVolumeClaimSpec wanted = core_v1::PersistentVolumeClaim(claim).spec();
  return volume.spec().storage_class_name() == wanted.storage_class_name() &&
         capacity_of(*world.volumes.at(name)) >= size_of(claim) &&
         !volume.metadata().has_deletion_timestamp();
}

bool is_candidate(const World& world, const std::string& name, const Object& claim) {
  core_v1::PersistentVolume volume(*world.volumes.at(name));
  core_v1::PersistentVolumeClaimSpec wanted = core_v1::PersistentVolumeClaim(claim).spec();
  if (!claim_of(world, name).empty() || volume.status().phase() != "Available") return false;
  if (!matches_claim(world, name, claim)) return false;
  auto selector = from_label_selector(wanted.has_selector(), wanted.selector());
  if (selector && !selector->matches(volume.metadata().labels())) return false;
  for (std::string_view mode : wanted.access_modes()) {
    bool there = false;
    for (std::string_view has : volume.spec().access_modes()) there = there || has == mode;
    if (!there) return false;
  }
  return true;
}

std::string volume_for(const World& world, const Object& claim, const std::string& node,
                       const std::set<std::string>& taken) {
  Labels labels = labels_of(world, node);
  for (const auto& [name, object] : world.volumes) {
    if (claim_of(world, name) != name_of(claim) || !matches_claim(world, name, claim)) continue;
    return usable(*object, labels) && !taken.contains(name) ? name : "";
  }
  std::string best;
  for (const auto& [name, object] : world.volumes) {
    if (taken.contains(name) || !is_candidate(world, name, claim)) continue;
    if (!usable(*object, labels)) continue;
    if (best.empty() || capacity_of(*object) < capacity_of(*world.volumes.at(best))) best = name;
  }
  return best;
}

bool can_make(const World& world, const Object& claim, const std::string& node) {
  storage_v1::StorageClass storage_class(*world.classes.at(class_of(claim)));
  if (storage_class.provisioner() != kDriver) return false;
  Labels labels = labels_of(world, node);
  bool allowed = storage_class.allowed_topologies().empty();
  for (core_v1::TopologySelectorTerm term : storage_class.allowed_topologies()) {
    for (core_v1::TopologySelectorLabelRequirement r : term.match_label_expressions()) {
      for (std::string_view value : r.values()) allowed = allowed || labels.find(r.key()) == value;
    }
  }
  if (!allowed || !world.driver_tracks) return allowed;
  for (const auto& [name, object] : world.capacities) {
    storage_v1::CSIStorageCapacity capacity(*object);
    std::string_view zone = capacity.node_topology().match_labels().find("zone");
    if (capacity.storage_class_name() == class_of(claim) && labels.find("zone") == zone &&
        whole_value(capacity.capacity()) >= size_of(claim)) {
      return true;
    }
  }
  return false;
}

std::string selected_node(const World& world, const Object& claim) {
  for (const VolumePlan& plan : world.assumed) {
    for (const auto& provision : plan.provisions) {
      if (provision.claim == key_of(claim)) return plan.node;
    }
  }
  return std::string(metadata(claim).annotations().find(kSelectedNode));
}

// "c1=v2 c3@" or nullopt: not from this node.
std::optional<std::string> reference_plan(const World& world, const PodInfo& pod,
                                          const std::string& node) {
  std::vector<const Object*> unbound;
  for (const PodClaim& named : pod.claims) {
    auto at = world.claims.find(named.name);
    if (at == world.claims.end()) return std::nullopt;
    const Object& claim = *at->second;
    core_v1::PersistentVolumeClaim view(claim);
    if (view.status().phase() == "Lost" || is_deleting(claim)) return std::nullopt;
    bool bound = !view.spec().volume_name().empty();
    if (bound && !view.metadata().annotations().contains(kBindCompleted)) return std::nullopt;
    if (!bound) {
      auto storage_class = world.classes.find(class_of(claim));
      if (storage_class == world.classes.end()) return std::nullopt;
      if (storage_v1::StorageClass(*storage_class->second).volume_binding_mode() == "Immediate") {
        return std::nullopt;
      }
      unbound.push_back(&claim);
      continue;
    }
    auto volume = world.volumes.find(std::string(view.spec().volume_name()));
    if (volume == world.volumes.end()) return std::nullopt;
    if (!usable(*volume->second, labels_of(world, node))) return std::nullopt;
  }
  std::sort(unbound.begin(), unbound.end(), [](const Object* a, const Object* b) {
    return std::pair(size_of(*a), key_of(*a)) < std::pair(size_of(*b), key_of(*b));
  });
  std::set<std::string> taken;
  std::string text;
  std::vector<const Object*> to_make;
  for (const Object* claim : unbound) {
    std::string selected = selected_node(world, *claim);
    if (!selected.empty() && selected != node) return std::nullopt;
    if (!selected.empty()) to_make.push_back(claim);
  }
  for (const Object* claim : unbound) {
    if (!selected_node(world, *claim).empty()) continue;
    std::string volume = volume_for(world, *claim, node, taken);
    if (volume.empty()) {
      to_make.push_back(claim);
    } else {
      taken.insert(volume);
      text += std::string(name_of(*claim)) + "=" + volume + " ";
    }
  }
  for (const Object* claim : to_make) {
    if (!can_make(world, *claim, node)) return std::nullopt;
    text += std::string(name_of(*claim)) + "@ ";
  }
  return text;
}

// What the claim's volume is to its driver; "": nothing.
std::string csi_id(const World& world, const std::string& name) {
  auto at = world.claims.find(name);
  if (at == world.claims.end()) return "";
  core_v1::PersistentVolumeClaim claim(*at->second);
  auto volume = world.volumes.find(std::string(claim.spec().volume_name()));
  if (volume != world.volumes.end()) {
    return std::string(core_v1::PersistentVolume(*volume->second).spec().csi().volume_handle());
  }
  auto storage_class = world.classes.find(class_of(*at->second));
  bool ours = storage_class != world.classes.end() &&
              storage_v1::StorageClass(*storage_class->second).provisioner() == kDriver;
  return ours ? "claim " + name : "";
}

bool limits_fit(const World& world, const PodInfo& pod, const std::string& node) {
  auto csi_node = world.csi_nodes.find(node);
  if (csi_node == world.csi_nodes.end()) return true;
  std::set<std::string> attached, all;
  for (const Placed& p : world.placed) {
    if (p.node != node) continue;
    for (const PodClaim& claim : p.pod->claims) attached.insert(csi_id(world, claim.name));
  }
  attached.erase("");
  all = attached;
  for (const PodClaim& claim : pod.claims) all.insert(csi_id(world, claim.name));
  all.erase("");
  int64_t limit = storage_v1::CSINode(*csi_node->second).spec().drivers()[0].allocatable().count();
  return all.size() == attached.size() || static_cast<int64_t>(all.size()) <= limit;
}

bool alone_enough(const World& world, const PodInfo& pod) {
  for (const PodClaim& named : pod.claims) {
    core_v1::PersistentVolumeClaim claim(*world.claims.at(named.name));
    bool exclusive = false;
    for (std::string_view mode : claim.spec().access_modes()) {
      exclusive = exclusive || mode == "ReadWriteOncePod";
    }
    for (const Placed& p : world.placed) {
      for (const PodClaim& other : p.pod->claims) {
        if (exclusive && other.key == named.key) return false;
      }
    }
  }
  return true;
}

bool zone_fits(const World& world, const PodInfo& pod, const std::string& node) {
  constexpr std::string_view kZone = "topology.kubernetes.io/zone";
  Labels labels = labels_of(world, node);
  for (const PodClaim& named : pod.claims) {
    core_v1::PersistentVolumeClaim claim(*world.claims.at(named.name));
    auto volume = world.volumes.find(std::string(claim.spec().volume_name()));
    if (volume == world.volumes.end()) continue;
    Labels where = metadata(*volume->second).labels();
    if (!labels.contains(kZone) || !where.contains(kZone)) continue;
    if (labels.find(kZone) != where.find(kZone)) return false;
  }
  return true;
}

// ---- random worlds ----

class VolumeReferenceTest : public testing::TestWithParam<uint64_t> {
 protected:
  VolumeReferenceTest() {
    for (int i = 0; i < 4; ++i) set_node(i);
    set_class("wait", "kubernetes.io/no-provisioner", "WaitForFirstConsumer", "");
    set_class("fast", kDriver, "WaitForFirstConsumer", "");
    set_class("now", kDriver, "Immediate", "");
  }
  bool chance(int percent) { return below(100) < percent; }
  int below(int n) { return static_cast<int>(random.below(static_cast<uint64_t>(n))); }
  std::string number(const char* prefix, int n) { return prefix + std::to_string(below(n)); }
  std::string gib(int n) { return std::to_string(1 + below(n)) + "Gi"; }
  template <class... T>
  std::string one_of(T... texts) {
    std::vector<std::string> all{texts...};
    return all[static_cast<size_t>(below(static_cast<int>(all.size())))];
  }
  using Set = void (VolumeIndex::*)(const ObjectPtr& old, const ObjectPtr& now);
  // `now` null: it goes.
  void put(std::map<std::string, ObjectPtr>& kind, Set set, const std::string& name,
           const ObjectPtr& now) {
    auto at = kind.find(name);
    ObjectPtr old = at == kind.end() ? nullptr : at->second;
    if (!old && !now) return;
    (snapshot.volumes().*set)(old, now);
    if (now) {
      kind[name] = now;
    } else {
      kind.erase(at);
    }
  }

  void set_node(int i) {
    std::string name = "n" + std::to_string(i), zone = number("z", 2);
    std::string labels = R"("zone":")" + zone + "\"";
    if (chance(70)) labels += R"(,"topology.kubernetes.io/zone":")" + zone + "\"";
    world.nodes[name] = node_object({.name = name, .labels = labels});
    snapshot.set_node(world.nodes[name]);
  }
  void set_class(const std::string& name, const std::string& provisioner, const std::string& mode,
                 const std::string& members) {
    put(world.classes, &VolumeIndex::set_class, name,
        class_object(name, provisioner, mode, members));
  }
  void change_class() {
    std::string zones =
        R"("allowedTopologies":[{"matchLabelExpressions":[{"key":"zone","values":[")" +
        number("z", 3) + "\"]}]}]";
    if (chance(20)) return put(world.classes, &VolumeIndex::set_class, "fast", nullptr);
    set_class("fast", kDriver, "WaitForFirstConsumer", chance(50) ? zones : "");
  }
  void change_claim() {
    ClaimShape c{.name = number("c", 6), .storage_class = one_of("wait", "wait", "fast", "now")};
    if (chance(15)) return put(world.claims, &VolumeIndex::set_claim, c.name, nullptr);
    c.size = gib(4);
    c.modes = one_of(R"("ReadWriteOnce")", R"("ReadWriteMany")", R"("ReadWriteOncePod")");
    if (chance(40)) c.volume = number("v", 8);
    if (chance(10))
      c.annotations = R"("volume.kubernetes.io/selected-node":")" + number("n", 4) + "\"";
    if (chance(20)) c.spec = R"("selector":{"matchLabels":{"tier":")" + number("t", 2) + "\"}}";
    if (chance(5)) c.metadata = R"("deletionTimestamp":"2026-01-01T00:00:00Z")";
    if (chance(5)) c.status = R"("phase":"Lost")";
    put(world.claims, &VolumeIndex::set_claim, c.name, claim_object(c));
  }
  void change_volume() {
    VolumeShape v{.name = number("v", 8), .storage_class = one_of("wait", "wait", "fast")};
    if (chance(15)) return put(world.volumes, &VolumeIndex::set_volume, v.name, nullptr);
    v.size = gib(5);
    v.modes = one_of(R"("ReadWriteOnce","ReadWriteOncePod")", R"("ReadWriteMany","ReadWriteOnce")",
                     R"("ReadWriteOnce","ReadWriteMany","ReadWriteOncePod")");
    v.labels = R"("tier":")" + number("t", 2) + "\"";
    if (chance(20)) v.labels += R"(,"topology.kubernetes.io/zone":")" + number("z", 2) + "\"";
    if (chance(40)) v.node = number("n", 4);
    if (chance(25)) v.claim = number("c", 6);
    if (chance(20)) v.phase = "Released";
    if (chance(5)) v.metadata = R"("deletionTimestamp":"2026-01-01T00:00:00Z")";
    v.spec = R"("csi":{"driver":"csi.example.com","volumeHandle":"h)" + v.name + "\"}";
    if (v.node.empty() && chance(30)) {
      v.spec +=
          R"(,"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"zone",)"
          R"("operator":"In","values":[")" +
          number("z", 2) +
          R"("]}]},{"matchExpressions":[{)"
          R"("key":"kubernetes.io/hostname","operator":"In","values":["n1"]}]}]}})";
    }
    put(world.volumes, &VolumeIndex::set_volume, v.name, volume_object(v));
  }
  void change_csi() {
    if (chance(50)) {
      std::string name = number("n", 4);
      std::string members =
          R"("spec":{"drivers":[{"name":"csi.example.com","nodeID":"x","allocatable":{"count":)" +
          std::to_string(below(4)) + "}}]}";
      ObjectPtr now = chance(40) ? nullptr : storage_object("CSINode", name, members);
      return put(world.csi_nodes, &VolumeIndex::set_csi_node, name, now);
    }
    world.driver_tracks = chance(50);
    snapshot.volumes().set_csi_driver(
        nullptr, storage_object("CSIDriver", kDriver,
                                std::string(R"("spec":{"storageCapacity":)") +
                                    (world.driver_tracks ? "true}" : "false}")));
    std::string name = number("k", 3);
    std::string members = R"("storageClassName":"fast","capacity":")" + gib(4) +
                          R"(","nodeTopology":{"matchLabels":{"zone":")" + number("z", 2) + "\"}}";
    put(world.capacities, &VolumeIndex::set_capacity, name,
        storage_object("CSIStorageCapacity", name, members, "kube-system"));
  }
  void remove_something() {
    if (world.placed.empty()) return;
    size_t at = static_cast<size_t>(below(static_cast<int>(world.placed.size())));
    snapshot.remove_pod(world.placed[at].pod->uid, world.placed[at].node);
    world.placed.erase(world.placed.begin() + static_cast<ptrdiff_t>(at));
    if (world.assumed.empty()) return;
    snapshot.volumes().take_back(world.assumed.back());
    world.assumed.pop_back();
  }

  void event(int step) {
    int what = below(20);
    if (what < 7) {
      change_claim();
    } else if (what < 14) {
      change_volume();
    } else if (what == 14) {
      change_class();
    } else if (what == 15) {
      set_node(below(4));
    } else if (what < 18) {
      change_csi();
    } else {
      remove_something();
    }
    check(step);
  }
  void check(int step) {
    std::vector<std::string> names = {number("c", 6)};
    if (chance(60)) names.push_back(number("c", 6));
    PodPtr pod = make_pod({.name = "p" + std::to_string(step), .spec = claim_volumes(names)});
    std::map<std::string, std::string> expected, found;
    for (const auto& [node, object] : world.nodes) {
      std::optional<std::string> plan = reference_plan(world, *pod, node);
      if (plan && limits_fit(world, *pod, node) && alone_enough(world, *pod) &&
          zone_fits(world, *pod, node)) {
        expected[node] = *plan;
      }
    }
    for (const NodeExplanation& node : explain(*pod, snapshot, profile)) {
      if (node.feasible) found[node.node] = text_of(plan_on(*pod, node.node));
    }
    ASSERT_EQ(found, expected) << "step " << step;
    if (expected.empty()) return;
    ++placements;
    const std::string& node =
        std::next(expected.begin(), below(static_cast<int>(expected.size())))->first;
    VolumePlan plan = plan_on(*pod, node);
    if (chance(50)) {
      snapshot.volumes().assume(plan);
      world.assumed.push_back(plan);
    }
    snapshot.add_pod(pod, node);
    world.placed.push_back({pod, node, plan});
    if (world.placed.size() > 4) remove_something();
  }
  VolumePlan plan_on(const PodInfo& pod, const std::string& node) {
    return ClaimMatcher(pod, snapshot.volumes()).plan(*snapshot.find(node));
  }
  static std::string text_of(const VolumePlan& plan) {
    std::string text;
    for (const auto& b : plan.bindings) text += b.claim.substr(8) + "=" + b.volume + " ";
    for (const auto& p : plan.provisions) text += p.claim.substr(8) + "@ ";
    return text;
  }

  World world;
  Snapshot snapshot;
  Profile profile = default_profile();
  SeededRandom random{GetParam()};
  int placements = 0;
};

TEST_P(VolumeReferenceTest, SameNodesAndVolumesAfterAnyHistory) {
  for (int step = 0; step < 400 && !HasFatalFailure(); ++step) event(step);
  EXPECT_GT(placements, 20) << "the worlds are too sad to show anything";
}

INSTANTIATE_TEST_SUITE_P(Seeds, VolumeReferenceTest, testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace tiphys::scheduler
