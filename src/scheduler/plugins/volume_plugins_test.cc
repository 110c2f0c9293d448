// The volume plugins by upstream's documented cases: who fits where, for which reason.
#include "scheduler/plugins/plugins.h"
#include "scheduler/volume_matching.h"
#include "scheduler/volume_objects_test.h"
#include "scheduler/volume_progress.h"

namespace tiphys::scheduler {
namespace {

constexpr const char* kNoVolume = "node(s) didn't find available persistent volumes to bind";

std::string none(int nodes, const std::string& reason, int of = 0) {
  return "0/" + std::to_string(of == 0 ? nodes : of) +
         " nodes are available: " + std::to_string(nodes) + " " + reason + ".";
}
std::string refused(int nodes, const std::string& why) {
  return "0/" + std::to_string(nodes) + " nodes are available: " + why + ".";
}

class VolumePluginTest : public testing::Test {
 protected:
  VolumePluginTest() {
    volumes().set_class(nullptr, class_object("wait", "kubernetes.io/no-provisioner"));
    volumes().set_class(nullptr, class_object("fast", "csi.example.com"));
    volumes().set_class(nullptr, class_object("now", "csi.example.com", "Immediate"));
  }
  VolumeIndex& volumes() { return snapshot.volumes(); }
  void node(const std::string& name, const std::string& labels = "") {
    snapshot.set_node(node_object({.name = name, .labels = labels}));
  }
  void claim(const ClaimShape& shape) { volumes().set_claim(nullptr, claim_object(shape)); }
  void volume(const VolumeShape& shape) { volumes().set_volume(nullptr, volume_object(shape)); }
  void csi_volume(const std::string& name, const std::string& claim) {
    volume({.name = name,
            .storage_class = "fast",
            .claim = claim,
            .phase = "Bound",
            .spec = R"("csi":{"driver":"csi.example.com","volumeHandle":"h-)" + name + "\"}"});
  }
  void limit(const std::string& node, int count) {
    volumes().set_csi_node(
        nullptr, storage_object("CSINode", node,
                                R"("spec":{"drivers":[{"name":"csi.example.com","nodeID":"x",)"
                                R"("allocatable":{"count":)" +
                                    std::to_string(count) + "}}]}"));
  }
  void place(const PodShape& shape, const char* on) { snapshot.add_pod(make_pod(shape), on); }
  static PodShape user(const std::string& name, const std::vector<std::string>& claims) {
    return {.name = name, .spec = claim_volumes(claims)};
  }

  // "n1 n2" or the message why none.
  std::string feasible(const PodShape& shape) {
    PodPtr pod = make_pod(shape);
    std::set<std::string> names;
    for (const NodeExplanation& found : explain(*pod, snapshot, profile)) {
      if (found.feasible) names.insert(found.node);
    }
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text.empty() ? schedule(*pod, snapshot, profile, 0, random).diagnosis.message() : text;
  }
  std::string where(const std::vector<std::string>& claims) { return feasible(user("p", claims)); }
  // "claim=volume other@node" on a node where the pod fits.
  std::string plan(const std::vector<std::string>& claims, const char* on) {
    PodPtr pod = make_pod(user("p", claims));
    VolumePlan made = ClaimMatcher(*pod, volumes()).plan(*snapshot.find(on));
    last = made;
    std::string text;
    for (const auto& b : made.bindings) text += " " + b.claim.substr(8) + "=" + b.volume;
    for (const auto& p : made.provisions) text += " " + p.claim.substr(8) + "@" + made.node;
    return text.empty() ? text : text.substr(1);
  }

  Snapshot snapshot;
  Profile profile = default_profile();
  SeededRandom random{1};
  VolumePlan last;
};

// ---- VolumeRestrictions ----

TEST_F(VolumePluginTest, DisksAreNotSharedUnlessReadOnly) {
  node("a");
  node("b");
  auto disk = [](const std::string& source) {
    return PodShape{.name = "p", .spec = R"("volumes":[{"name":"v",)" + source + "}]"};
  };
  auto with = [&](std::string name, const std::string& source) {
    PodShape shape = disk(source);
    shape.name = std::move(name);
    return shape;
  };
  std::string gce = R"("gcePersistentDisk":{"pdName":"d")", ro = R"(,"readOnly":true})";
  place(with("gce", gce + ro), "a");
  EXPECT_EQ(feasible(disk(gce + ro)), "a b");
  EXPECT_EQ(feasible(disk(gce + "}")), "b");
  EXPECT_EQ(feasible(disk(R"("gcePersistentDisk":{"pdName":"other"})")), "a b");
  std::string ebs = R"("awsElasticBlockStore":{"volumeID":"d")";
  place(with("ebs", ebs + ro), "a");
  EXPECT_EQ(feasible(disk(ebs + ro)), "b") << "EBS volumes are never shared";
  std::string iscsi = R"("iscsi":{"targetPortal":"t","iqn":"q","lun":0)";
  place(with("iscsi", iscsi + "}"), "b");
  EXPECT_EQ(feasible(disk(iscsi + ro)), "a");
  std::string rbd = R"("rbd":{"pool":"p","image":"i","monitors":)";
  place(with("rbd", rbd + R"(["m1","m2"]})"), "a");
  EXPECT_EQ(feasible(disk(rbd + R"(["m2","m3"]})")), "b");
  EXPECT_EQ(feasible(disk(rbd + R"(["m3"]})")), "a b");
  place(with("rbd2", rbd + R"(["m1"]})"), "b");
  EXPECT_EQ(feasible(disk(rbd + R"(["m1"]})")), none(2, "node(s) had no available disk"));
}

TEST_F(VolumePluginTest, AClaimThatIsReadWriteOncePodIsOnePodsAlone) {
  node("a");
  node("b");
  volume({.name = "pv", .claim = "data", .phase = "Bound"});
  claim({.volume = "pv", .modes = R"("ReadWriteOncePod")"});
  EXPECT_EQ(where({"data"}), "a b");
  PodPtr first = make_pod(user("first", {"data"}));
  snapshot.add_pod(first, "a");
  std::string reason =
      "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access "
      "mode";
  EXPECT_EQ(where({"data"}), none(2, reason));
  Decision decision = schedule(*make_pod(user("p", {"data"})), snapshot, profile, 0, random);
  EXPECT_EQ(decision.diagnosis.maybe_by_preemption.size(), 2u) << "removing the other may help";
  snapshot.remove_pod(first->uid, "a");
  EXPECT_EQ(where({"data"}), "a b");
}

// ---- NodeVolumeLimits ----

TEST_F(VolumePluginTest, ANodeAttachesNoMoreVolumesThanItsCsiNodeSays) {
  node("a");
  node("b");
  limit("a", 2);
  for (const char* name : {"c1", "c2", "c3"}) {
    csi_volume(std::string("pv-") + name, name);
    claim({.name = name, .storage_class = "fast", .volume = std::string("pv-") + name});
  }
  place(user("p1", {"c1"}), "a");
  EXPECT_EQ(where({"c2"}), "a b");
  EXPECT_EQ(where({"c2", "c3"}), "b");
  EXPECT_EQ(where({"c1", "c2"}), "a b") << "what is attached doesn't count again";
  PodPtr second = make_pod(user("p2", {"c1", "c2"}));
  snapshot.add_pod(second, "a");
  EXPECT_EQ(where({"c3"}), "b");
  limit("b", 0);
  EXPECT_EQ(where({"c3"}), none(2, "node(s) exceed max volume count"));
  EXPECT_EQ(where({"c1", "c2"}), "a");
  snapshot.remove_pod(second->uid, "a");
  EXPECT_EQ(where({"c3"}), "a");
  EXPECT_EQ(feasible(PodShape{}), "a b") << "pods without claims don't care";
}

TEST_F(VolumePluginTest, VolumesToBeMadeAndThoseStillAttachedCount) {
  node("a");
  limit("a", 1);
  claim({.name = "new", .storage_class = "fast"});
  claim({.name = "other", .storage_class = "fast"});
  EXPECT_EQ(where({"new"}), "a");
  EXPECT_EQ(where({"new", "other"}), none(1, "node(s) exceed max volume count"));
  place(user("p1", {"new"}), "a");
  EXPECT_EQ(where({"other"}), none(1, "node(s) exceed max volume count"));
  EXPECT_EQ(where({"new"}), "a") << "the same claim is one volume";
  // It is made, bound and called by its handle from now on.
  csi_volume("pv-new", "new");
  claim({.name = "new", .storage_class = "fast", .volume = "pv-new"});
  EXPECT_EQ(volumes().use().attached().count("a", "csi.example.com"), 1);
  snapshot.remove_pod("uid-default-p1", "a");
  EXPECT_EQ(where({"other"}), "a");
  ObjectPtr attachment = storage_object("VolumeAttachment", "csi-1",
                                        R"("spec":{"attacher":"csi.example.com","nodeName":"a",)"
                                        R"("source":{"persistentVolumeName":"pv-new"}})");
  volumes().set_attachment(nullptr, attachment);
  EXPECT_EQ(where({"other"}), none(1, "node(s) exceed max volume count"));
  EXPECT_EQ(where({"new"}), "a");
  volumes().set_attachment(attachment, nullptr);
  EXPECT_EQ(where({"other"}), "a");
}

// ---- VolumeBinding: claims that no node can help ----

TEST_F(VolumePluginTest, ClaimsThatAreMissingLostOrGoing) {
  node("a");
  EXPECT_EQ(where({"data"}), refused(1, "persistentvolumeclaim \"data\" not found"));
  claim({.volume = "pv", .status = R"("phase":"Lost")"});
  EXPECT_EQ(where({"data"}), refused(1,
                                     "persistentvolumeclaim \"data\" bound to non-existent "
                                     "persistentvolume \"pv\""));
  claim({.metadata = R"("deletionTimestamp":"2026-01-01T00:00:00Z")"});
  EXPECT_EQ(where({"data"}), refused(1, "persistentvolumeclaim \"data\" is being deleted"));
  claim({.volume = "pv"});
  EXPECT_EQ(where({"data"}), refused(1, "persistentvolume \"pv\" not found"));
  PodPtr pod = make_pod(user("p", {"data"}));
  ClaimMatcher matcher(*pod, volumes());
  EXPECT_TRUE(matcher.on(*snapshot.find("a")).volume_missing);
}

TEST_F(VolumePluginTest, UnboundClaimsOfClassesThatBindAtOnce) {
  node("a");
  std::string why = "pod has unbound immediate PersistentVolumeClaims";
  claim({.storage_class = "now"});
  EXPECT_EQ(where({"data"}), refused(1, why));
  claim({.storage_class = ""});
  EXPECT_EQ(where({"data"}), refused(1, why));
  claim({.storage_class = "nobody-knows"});
  EXPECT_EQ(where({"data"}), refused(1, why));
  claim({.volume = "pv", .annotations = R"("a":"b")"});
  EXPECT_EQ(where({"data"}), refused(1, why)) << "it waits for the PV controller";
}

TEST_F(VolumePluginTest, EphemeralVolumesNeedAClaimMadeForThePod) {
  node("a");
  std::string spec =
      R"("volumes":[{"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{)"
      R"("accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}}}])";
  PodShape pod{.name = "web", .spec = spec};
  EXPECT_EQ(feasible(pod), refused(1,
                                   "waiting for ephemeral volume controller to create the "
                                   "persistentvolumeclaim \"web-scratch\""));
  claim({.name = "web-scratch", .storage_class = "fast"});
  EXPECT_EQ(feasible(pod), refused(1,
                                   "PVC default/web-scratch was not created for pod default/web "
                                   "(pod is not owner)"));
  claim({.name = "web-scratch",
         .storage_class = "fast",
         .metadata = R"("ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"web",)"
                     R"("uid":"uid-default-web","controller":true}])"});
  EXPECT_EQ(feasible(pod), "a");
}

// ---- VolumeBinding: bound volumes ----

TEST_F(VolumePluginTest, BoundVolumesAreUsedWhereTheirNodeAffinityIs) {
  node("a");
  node("b");
  volume({.name = "pv", .node = "b", .claim = "data", .phase = "Bound"});
  claim({.volume = "pv"});
  EXPECT_EQ(where({"data"}), "b");
  volume({.name = "pv", .node = "c", .claim = "data", .phase = "Bound"});
  EXPECT_EQ(where({"data"}), none(2, "node(s) didn't match PersistentVolume's node affinity"));
  EXPECT_TRUE(schedule(*make_pod(user("p", {"data"})), snapshot, profile, 0, random)
                  .diagnosis.maybe_by_preemption.empty());
}

// ---- VolumeBinding: free volumes ----

TEST_F(VolumePluginTest, TheSmallestVolumeThatIsLargeEnough) {
  node("a");
  volume({.name = "large", .size = "10Gi"});
  volume({.name = "fits", .size = "5Gi"});
  volume({.name = "small", .size = "1Gi"});
  claim({.size = "2Gi"});
  EXPECT_EQ(plan({"data"}, "a"), "data=fits");
  claim({.size = "11Gi"});
  EXPECT_EQ(where({"data"}), none(1, kNoVolume));
}

TEST_F(VolumePluginTest, SeveralClaimsShareTheVolumesOutSmallestFirst) {
  node("a");
  volume({.name = "pv1", .size = "1Gi"});
  volume({.name = "pv5", .size = "5Gi"});
  claim({.name = "big", .size = "2Gi"});
  claim({.name = "little", .size = "1Gi"});
  claim({.name = "third", .size = "1Gi"});
  EXPECT_EQ(plan({"big", "little"}, "a"), "little=pv1 big=pv5");
  EXPECT_EQ(where({"big", "little", "third"}), none(1, kNoVolume));
}

TEST_F(VolumePluginTest, VolumesMustMatchTheClaim) {
  node("a");
  auto alone = [&](const VolumeShape& shape) {
    volume(shape);
    std::string answer = where({"data"});
    volumes().set_volume(volume_object(shape), nullptr);
    return answer == "a";
  };
  claim({.modes = R"("ReadWriteMany")",
         .spec = R"("volumeMode":"Block","selector":{"matchLabels":{"tier":"gold"}})"});
  VolumeShape good{.modes = R"("ReadWriteOnce","ReadWriteMany")",
                   .labels = R"("tier":"gold")",
                   .spec = R"("volumeMode":"Block")"};
  EXPECT_TRUE(alone(good));
  auto but = [&](auto change) {
    VolumeShape shape = good;
    change(shape);
    return alone(shape);
  };
  EXPECT_FALSE(but([](VolumeShape& v) { v.storage_class = "fast"; }));
  EXPECT_FALSE(but([](VolumeShape& v) { v.size = "500Mi"; }));
  EXPECT_FALSE(but([](VolumeShape& v) { v.modes = R"("ReadWriteOnce")"; }));
  EXPECT_FALSE(but([](VolumeShape& v) { v.labels = R"("tier":"tin")"; }));
  EXPECT_FALSE(but([](VolumeShape& v) { v.spec = ""; })) << "Filesystem";
  EXPECT_FALSE(but([](VolumeShape& v) { v.node = "b"; }));
  EXPECT_FALSE(but([](VolumeShape& v) { v.claim = "somebody"; }));
  EXPECT_FALSE(but([](VolumeShape& v) { v.phase = "Released"; }));
  EXPECT_FALSE(
      but([](VolumeShape& v) { v.metadata = R"("deletionTimestamp":"2026-01-01T00:00:00Z")"; }));
  EXPECT_FALSE(but([](VolumeShape& v) {
    v.spec = R"("volumeMode":"Block","volumeAttributesClassName":"silver")";
  }));
}

TEST_F(VolumePluginTest, AVolumeThatNamesTheClaimIsItsVolume) {
  node("a");
  node("b");
  volume({.name = "other", .size = "1Gi"});
  volume({.name = "mine",
          .size = "9Gi",
          .modes = R"("ReadOnlyMany")",
          .node = "b",
          .claim = "data",
          .phase = "Bound"});
  claim({});
  EXPECT_EQ(where({"data"}), "b");
  EXPECT_EQ(plan({"data"}, "b"), "data=mine");
  const Volume& mine = *volumes().volume("mine");
  EXPECT_FALSE(volume_for_claim(mine, *volumes().claim("default/data")));
}

TEST_F(VolumePluginTest, LocalVolumesOfManyNodes) {
  for (int i = 0; i < 5; ++i) {
    std::string name = "n" + std::to_string(i);
    node(name);
    if (i != 3) volume({.name = "pv-" + name, .size = std::to_string(9 - i) + "Gi", .node = name});
  }
  volume({.name = "any", .size = "8Gi"});
  claim({.name = "c1"});
  claim({.name = "c2"});
  EXPECT_EQ(where({"c1", "c2"}), "n0 n1 n2 n4");
  EXPECT_EQ(plan({"c1", "c2"}, "n0"), "c1=any c2=pv-n0");
  EXPECT_EQ(plan({"c1", "c2"}, "n4"), "c1=pv-n4 c2=any");
}

// ---- VolumeBinding: volumes to be made ----

TEST_F(VolumePluginTest, VolumesAreMadeWhereTheClassAllows) {
  node("a", R"("zone":"z1")");
  node("b", R"("zone":"z2")");
  claim({.storage_class = "fast"});
  EXPECT_EQ(where({"data"}), "a b");
  EXPECT_EQ(plan({"data"}, "a"), "data@a");
  auto topologies = [&](const std::string& terms) {
    volumes().set_class(nullptr, class_object("fast", "csi.example.com", "WaitForFirstConsumer",
                                              R"("allowedTopologies":[)" + terms + "]"));
  };
  topologies(R"({"matchLabelExpressions":[{"key":"zone","values":["z2","z3"]}]})");
  EXPECT_EQ(where({"data"}), "b");
  topologies(R"({"matchLabelExpressions":[{"key":"zone","values":["z3"]}]})");
  EXPECT_EQ(where({"data"}), none(2, kNoVolume));
  volume({.name = "there", .storage_class = "fast", .node = "a"});
  EXPECT_EQ(where({"data"}), "a") << "what is there already needs no provisioner";
}

TEST_F(VolumePluginTest, AClaimWithASelectedNodeIsMadeThere) {
  node("a");
  node("b");
  volume({.name = "free", .storage_class = "fast", .node = "a"});
  claim({.storage_class = "fast", .annotations = R"("volume.kubernetes.io/selected-node":"b")"});
  EXPECT_EQ(where({"data"}), "b");
  EXPECT_EQ(plan({"data"}, "b"), "data@b");
}

TEST_F(VolumePluginTest, DriversThatTrackCapacityNeedEnough) {
  node("a", R"("zone":"z1")");
  node("b", R"("zone":"z2")");
  claim({.storage_class = "fast", .size = "10Gi"});
  auto tracks = [&](const char* yes) {
    volumes().set_csi_driver(
        nullptr, storage_object("CSIDriver", "csi.example.com",
                                std::string(R"("spec":{"storageCapacity":)") + yes + "}"));
  };
  auto capacity = [&](const char* name, const std::string& zone, const std::string& members) {
    volumes().set_capacity(nullptr, storage_object("CSIStorageCapacity", name,
                                                   R"("storageClassName":"fast",)"
                                                   R"("nodeTopology":{"matchLabels":{"zone":")" +
                                                       zone + "\"}}," + members,
                                                   "kube-system"));
  };
  tracks("false");
  EXPECT_EQ(where({"data"}), "a b");
  tracks("true");
  EXPECT_EQ(where({"data"}), none(2, "node(s) did not have enough free storage"));
  capacity("c1", "z1", R"("capacity":"9Gi")");
  capacity("c2", "z2", R"("capacity":"20Gi")");
  EXPECT_EQ(where({"data"}), "b");
  capacity("c2", "z2", R"("capacity":"20Gi","maximumVolumeSize":"5Gi")");
  capacity("c1", "z1", R"("capacity":"9Gi","maximumVolumeSize":"10Gi")");
  EXPECT_EQ(where({"data"}), "a") << "the largest volume counts before the sum";
}

TEST_F(VolumePluginTest, ScoresByUseIfAskedTo) {
  node("a");
  node("b");
  volume({.name = "pv-a", .size = "2Gi", .node = "a"});
  volume({.name = "pv-b", .size = "10Gi", .node = "b"});
  claim({});
  PodPtr pod = make_pod(user("p", {"data"}));
  auto scores = [&] {
    std::map<std::string, int64_t> found;
    for (const NodeExplanation& on : explain(*pod, snapshot, profile)) {
      for (const auto& [name, score] : on.scores) {
        if (name == "VolumeBinding") found[on.node] = score;
      }
    }
    return found;
  };
  EXPECT_TRUE(scores().empty());
  profile.args.volume_shape = {{0, 0}, {100, 10}};
  EXPECT_EQ(scores(), (std::map<std::string, int64_t>{{"a", 50}, {"b", 10}}));
  profile.args.volume_shape = {{0, 10}, {50, 5}, {100, 0}};
  EXPECT_EQ(scores(), (std::map<std::string, int64_t>{{"a", 50}, {"b", 90}}));
}

// ---- assumptions ----

TEST_F(VolumePluginTest, WhatIsAssumedIsTakenUntilItIsTakenBack) {
  node("a");
  volume({.name = "pv"});
  claim({.name = "first"});
  claim({.name = "second"});
  EXPECT_EQ(plan({"first"}, "a"), "first=pv");
  VolumePlan assumed = last;
  volumes().assume(assumed);
  EXPECT_EQ(where({"second"}), none(1, kNoVolume));
  EXPECT_EQ(plan({"first"}, "a"), "first=pv") << "another pod with the claim shares it";
  volumes().assume(assumed);
  volumes().take_back(assumed);
  EXPECT_EQ(where({"second"}), none(1, kNoVolume)) << "one pod still needs it";
  volumes().take_back(assumed);
  EXPECT_EQ(where({"second"}), "a");
  EXPECT_EQ(volumes().assumptions(), 0u);
}

TEST_F(VolumePluginTest, AClaimAssumedToBeMadeOnANodeStaysThere) {
  node("a");
  node("b");
  claim({.storage_class = "fast"});
  EXPECT_EQ(plan({"data"}, "b"), "data@b");
  volumes().assume(last);
  EXPECT_EQ(where({"data"}), "b");
  volumes().take_back(last);
  EXPECT_EQ(where({"data"}), "a b");
}

// ---- what is written, and how far it came ----

TEST_F(VolumePluginTest, WhatIsWritten) {
  volume({.name = "pv"});
  claim({});
  const Claim& data = *volumes().claim("default/data");
  ObjectPtr volume_written = volume_for_claim(*volumes().volume("pv"), data);
  core_v1::PersistentVolume named(*volume_written);
  EXPECT_EQ(named.spec().claim_ref().name(), "data");
  EXPECT_EQ(named.spec().claim_ref().uid(), "uid-data");
  EXPECT_EQ(named.spec().claim_ref().api_version(), "v1");
  EXPECT_EQ(named.metadata().annotations().find("pv.kubernetes.io/bound-by-controller"), "yes");
  // A user's own reference without uid is completed, and stays the user's.
  volume({.name = "pv", .spec = R"("claimRef":{"namespace":"default","name":"data"})"});
  ObjectPtr completed = volume_for_claim(*volumes().volume("pv"), data);
  core_v1::PersistentVolume users(*completed);
  EXPECT_EQ(users.spec().claim_ref().uid(), "uid-data");
  EXPECT_FALSE(users.metadata().annotations().contains("pv.kubernetes.io/bound-by-controller"));
  ObjectPtr claim_written = claim_on_node(data, "a");
  core_v1::PersistentVolumeClaim placed(*claim_written);
  EXPECT_EQ(placed.metadata().annotations().find("volume.kubernetes.io/selected-node"), "a");
}

TEST_F(VolumePluginTest, Progress) {
  using State = VolumeProgress::State;
  node("a");
  VolumePlan bind{.node = "a", .bindings = {{"pv", "default/data", "uid-data", "7"}}};
  auto of = [&](const VolumePlan& p) { return volume_progress(p, snapshot); };
  EXPECT_EQ(of(bind).why, R"(failed to check binding: could not find v1.PersistentVolume "pv")");
  volume({.name = "pv", .metadata = R"("resourceVersion":"6")"});
  EXPECT_EQ(of(bind).why,
            R"(failed to check binding: could not find v1.PersistentVolumeClaim "default/data")");
  claim({});
  EXPECT_EQ(of(bind).state, State::kWaiting) << "the copy is from before the write";
  volume({.name = "pv", .metadata = R"("resourceVersion":"8")"});
  EXPECT_EQ(of(bind).why, R"(ClaimRef got reset for pv "pv")");
  volume({.name = "pv", .claim = "data", .metadata = R"("resourceVersion":"8")"});
  EXPECT_EQ(of(bind).state, State::kWaiting);
  claim({.volume = "pv"});
  EXPECT_EQ(of(bind).state, State::kBound);
  snapshot.remove_node("a");
  EXPECT_EQ(of(bind).why, R"(failed to get node "a": node "a" not found)");
}

TEST_F(VolumePluginTest, ProgressOfProvisioning) {
  using State = VolumeProgress::State;
  node("a");
  VolumePlan make{.node = "a", .provisions = {{"default/data", "uid-data", ""}}};
  auto now = [&] { return volume_progress(make, snapshot); };
  EXPECT_EQ(now().why,
            R"(failed to check provisioning pvc: could not find v1.PersistentVolumeClaim )"
            R"("default/data")");
  claim({.storage_class = "fast"});
  EXPECT_EQ(now().why, R"(selectedNode annotation reset for PVC "data")");
  claim({.storage_class = "fast", .annotations = R"("x":"y")"});
  EXPECT_EQ(now().why, R"(provisioning failed for PVC "data")");
  std::string there = R"("volume.kubernetes.io/selected-node":"a")";
  claim({.storage_class = "fast", .annotations = there});
  EXPECT_EQ(now().state, State::kWaiting);
  std::string both = there + R"(,"pv.kubernetes.io/bind-completed":"yes")";
  claim({.storage_class = "fast", .volume = "pv", .annotations = both});
  EXPECT_EQ(now().state, State::kWaiting) << "the volume isn't known yet";
  volume({.name = "pv", .storage_class = "fast", .node = "b", .claim = "data"});
  EXPECT_EQ(now().why,
            R"(pv "pv" node affinity doesn't match node "a": no matching NodeSelectorTerms)");
  volume({.name = "pv", .storage_class = "fast", .node = "a", .claim = "data"});
  EXPECT_EQ(now().state, State::kBound);
}

// ---- VolumeZone ----

TEST_F(VolumePluginTest, VolumesStayInTheirZone) {
  node("a", R"("topology.kubernetes.io/zone":"z1","topology.kubernetes.io/region":"r")");
  node("b", R"("topology.kubernetes.io/zone":"z2")");
  node("plain");
  claim({.volume = "pv"});
  auto labelled = [&](const std::string& labels) {
    volume({.name = "pv", .labels = labels, .claim = "data", .phase = "Bound"});
    return where({"data"});
  };
  EXPECT_EQ(labelled(""), "a b plain");
  EXPECT_EQ(labelled(R"("topology.kubernetes.io/zone":"z1")"), "a plain");
  EXPECT_EQ(labelled(R"("topology.kubernetes.io/zone":"z1__z2")"), "a b plain");
  EXPECT_EQ(labelled(R"("failure-domain.beta.kubernetes.io/zone":"z2")"), "b plain");
  EXPECT_EQ(labelled(R"("topology.kubernetes.io/region":"r")"), "a plain");
  EXPECT_EQ(labelled(R"("topology.kubernetes.io/zone":"z1__")"), "a b plain") << "malformed";
  snapshot.remove_node("plain");
  snapshot.remove_node("a");
  EXPECT_EQ(labelled(R"("topology.kubernetes.io/zone":"z1")"),
            none(1, "node(s) had no available volume zone"));
}

// ---- DynamicResources ----

TEST_F(VolumePluginTest, PodsThatAskForDevicesAreRefused) {
  node("a");
  PodShape pod{.spec = R"("resourceClaims":[{"name":"gpu","resourceClaimName":"mine"}])"};
  Decision decision = schedule(*make_pod(pod), snapshot, profile, 0, random);
  EXPECT_EQ(decision.diagnosis.message(),
            refused(1,
                    "spec.resourceClaims: this scheduler can't allocate ResourceClaims (plugin "
                    "DynamicResources)"));
  EXPECT_EQ(decision.diagnosis.plugins, std::vector<std::string_view>{"DynamicResources"});
}

}  // namespace
}  // namespace tiphys::scheduler
