// A slow, obviously right reference of the filters, and random worlds to judge it by.
#pragma once
#include <algorithm>

#include "scheduler/objects_test.h"

namespace tiphys::scheduler {

struct Placed {
  PodPtr pod;
  std::string node;
};
struct World {
  std::map<std::string, ObjectPtr> nodes;
  std::vector<Placed> placed;
  std::vector<Placed> nominated;
};

inline std::optional<std::string> label(const World& world, const std::string& node,
                                        const std::string& key) {
  core_v1::Node view(*world.nodes.at(node));
  Labels labels = view.metadata().labels();
  if (!labels.contains(key)) return std::nullopt;
  return std::string(labels.find(key));
}

inline bool matches(const PodMatch& match, const PodInfo& pod) {
  bool ns =
      std::find(match.namespaces.begin(), match.namespaces.end(), pod.ns) != match.namespaces.end();
  return ns && match.labels && match.labels->matches(pod.labels);
}

inline std::vector<std::string> lacking_resources(const World& world, const PodInfo& pod,
                                                  const std::string& node) {
  Resources have = resources_from(core_v1::Node(*world.nodes.at(node)).status().allocatable());
  int64_t cpu = pod.requests.milli_cpu, memory = pod.requests.memory, count = 1;
  for (const Placed& p : world.placed) {
    if (p.node != node) continue;
    cpu += p.pod->requests.milli_cpu;
    memory += p.pod->requests.memory;
    ++count;
  }
  std::vector<std::string> reasons;
  if (count > have.pods) reasons.push_back("Too many pods");
  if (pod.requests.milli_cpu > 0 && cpu > have.milli_cpu) reasons.push_back("Insufficient cpu");
  if (pod.requests.memory > 0 && memory > have.memory) reasons.push_back("Insufficient memory");
  return reasons;
}

inline std::vector<std::string> spread_rejection(const World& world, const PodInfo& pod,
                                                 const std::string& node) {
  const std::string message = "node(s) didn't match pod topology spread constraints";
  for (const SpreadConstraint& c : pod.spread) {
    if (!c.hard) continue;
    std::map<std::string, int64_t> counts;
    for (const auto& [name, object] : world.nodes) {
      std::optional<std::string> value = label(world, name, c.topology_key);
      bool counted = pod.selects(core_v1::Node(*object).metadata().labels(), name);
      for (const SpreadConstraint& other : pod.spread) {
        if (other.hard) counted = counted && label(world, name, other.topology_key).has_value();
      }
      if (!value || !counted) continue;
      int64_t& count = counts[*value];
      for (const Placed& p : world.placed) {
        if (p.node == name && p.pod->ns == pod.ns && c.labels->matches(p.pod->labels)) ++count;
      }
    }
    std::optional<std::string> ours = label(world, node, c.topology_key);
    if (!ours) return {message + " (missing required label)"};
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const auto& [value, count] : counts) least = std::min(least, count);
    if (counts.empty()) least = 0;
    int64_t here = counts.contains(*ours) ? counts[*ours] : 0;
    if (here + (c.labels->matches(pod.labels) ? 1 : 0) - least > c.max_skew) return {message};
  }
  return {};
}

// Whether any placed pod for which `wanted` holds shares the node's value of the label.
template <class Wanted>
bool near(const World& world, const std::string& node, const std::string& key, Wanted wanted) {
  std::optional<std::string> ours = label(world, node, key);
  if (!ours) return false;
  return std::any_of(world.placed.begin(), world.placed.end(), [&](const Placed& p) {
    return world.nodes.contains(p.node) && label(world, p.node, key) == ours && wanted(*p.pod);
  });
}

inline std::vector<std::string> affinity_rejection(const World& world, const PodInfo& pod,
                                                   const std::string& node) {
  auto all = [&](const PodInfo& other) {
    return std::all_of(pod.affinity.begin(), pod.affinity.end(),
                       [&](const PodAffinityTerm& t) { return matches(t.match, other); });
  };
  bool somebody = false;
  for (const PodAffinityTerm& term : pod.affinity) {
    for (const auto& [name, object] : world.nodes) {
      somebody = somebody || near(world, name, term.topology_key, all);
    }
  }
  const std::vector<std::string> lonely = {"node(s) didn't match pod affinity rules"};
  for (const PodAffinityTerm& term : pod.affinity) {
    if (!label(world, node, term.topology_key)) return lonely;
    if (!somebody && all(pod)) continue;
    if (!near(world, node, term.topology_key, all)) return lonely;
  }
  for (const PodAffinityTerm& term : pod.anti_affinity) {
    if (near(world, node, term.topology_key,
             [&](const PodInfo& other) { return matches(term.match, other); })) {
      return {"node(s) didn't match pod anti-affinity rules"};
    }
  }
  for (const Placed& p : world.placed) {
    if (!world.nodes.contains(p.node)) continue;
    for (const PodAffinityTerm& term : p.pod->anti_affinity) {
      std::optional<std::string> theirs = label(world, p.node, term.topology_key);
      if (theirs && theirs == label(world, node, term.topology_key) && matches(term.match, pod)) {
        return {"node(s) didn't satisfy existing pods anti-affinity rules"};
      }
    }
  }
  return {};
}

inline std::vector<std::string> ports_and_resources(const World& world, const PodInfo& pod,
                                                    const std::string& name) {
  for (const Placed& p : world.placed) {
    if (p.node != name) continue;
    for (const HostPort& used : p.pod->ports) {
      for (const HostPort& wanted : pod.ports) {
        if (wanted.conflicts(used)) {
          return {"node(s) didn't have free ports for the requested pod ports"};
        }
      }
    }
  }
  return lacking_resources(world, pod, name);
}

// Nominated pods aside.
inline std::vector<std::string> plain_rejection(const World& world, const PodInfo& pod,
                                                const std::string& name) {
  core_v1::Node node(*world.nodes.at(name));
  if (node.spec().unschedulable() &&
      !pod.tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule")) {
    return {"node(s) were unschedulable"};
  }
  for (core_v1::Taint taint : node.spec().taints()) {
    if (taint.effect() == "PreferNoSchedule") continue;
    if (!pod.tolerates(taint.key(), taint.value(), taint.effect())) {
      return {"node(s) had untolerated taint(s)"};
    }
  }
  if (!pod.selects(node.metadata().labels(), name)) {
    return {"node(s) didn't match Pod's node affinity/selector"};
  }
  std::vector<std::string> reasons = ports_and_resources(world, pod, name);
  if (reasons.empty()) reasons = spread_rejection(world, pod, name);
  if (reasons.empty()) reasons = affinity_rejection(world, pod, name);
  return reasons;
}

// Why the node won't do, in the words of the first plugin that says so; empty: it will.
inline std::vector<std::string> reference_rejection(const World& world, const PodInfo& pod,
                                                    const std::string& name) {
  World crowded = world;
  for (const Placed& other : world.nominated) {
    bool counts = other.node == name && other.pod->priority >= pod.priority;
    if (counts && other.pod->uid != pod.uid) crowded.placed.push_back(other);
  }
  std::vector<std::string> reasons = plain_rejection(crowded, pod, name);
  return reasons.empty() ? plain_rejection(world, pod, name) : reasons;
}

inline bool reference_fits(const World& world, const PodInfo& pod, const std::string& node) {
  return reference_rejection(world, pod, node).empty();
}

// ---- random worlds ----

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}
  int priorities = 0;  // of pods: from 0 up; 0: they have none
  bool chance(int percent) { return below(100) < percent; }
  int below(int n) { return static_cast<int>(random_.below(static_cast<uint64_t>(n))); }
  std::string number(const char* prefix, int n) { return prefix + std::to_string(below(n)); }

  ObjectPtr node(const std::string& name) {
    NodeShape shape{.name = name};
    if (chance(80)) shape.labels = R"("zone":")" + number("z", 3) + "\"";
    shape.allocatable = R"({"cpu":")" + std::to_string(2 + below(4)) +
                        R"(","memory":"4Gi","pods":")" + std::to_string(3 + below(5)) + "\"}";
    if (chance(15)) shape.spec = R"("taints":[{"key":"t","effect":"NoSchedule"}])";
    if (chance(20)) shape.spec = R"("taints":[{"key":"u","effect":"PreferNoSchedule"}])";
    if (chance(10)) shape.spec = R"("unschedulable":true)";
    if (chance(40)) {
      shape.status = R"("images":[{"names":["nginx:latest"],"sizeBytes":)" +
                     std::to_string(10'000'000 * (1 + below(120))) + "}]";
    }
    return node_object(shape);
  }
  PodPtr pod(int id) {
    PodShape shape{.name = "p" + std::to_string(id), .ns = number("ns", 2)};
    shape.labels = R"({"app":")" + number("a", 3) + "\"}";
    int minute = id * 7 % 60;  // in some order, all different
    shape.status = R"("startTime":"2026-01-01T00:)" + std::string(minute < 10 ? "0" : "") +
                   std::to_string(minute) + ":00Z\"";
    if (chance(70)) {
      shape.requests = R"({"cpu":")" + std::to_string(100 * below(15)) + R"(m","memory":"100Mi"})";
    }
    if (chance(15)) {
      shape.container =
          R"("ports":[{"containerPort":1,"hostPort":)" + std::to_string(80 + below(2)) + "}]";
    }
    add(shape.spec, 30, R"("tolerations":[{"operator":"Exists"}])");
    add(shape.spec, 15, R"("nodeSelector":{"zone":")" + number("z", 3) + "\"}");
    add(shape.spec, 30,
        R"("topologySpreadConstraints":[)" + spread("zone") +
            (chance(50) ? "," + spread("kubernetes.io/hostname") : "") + "]");
    add(shape.spec, 60, R"("affinity":{)" + affinity() + "}");
    if (priorities > 0) add(shape.spec, 100, R"("priority":)" + number("", priorities));
    return make_pod(shape);
  }

 private:
  void add(std::string& spec, int percent, const std::string& text) {
    if (chance(percent)) spec += (spec.empty() ? "" : ",") + text;
  }
  std::string selector() {
    return R"("labelSelector":{"matchLabels":{"app":")" + number("a", 3) + "\"}}";
  }
  std::string key() { return chance(50) ? "zone" : "kubernetes.io/hostname"; }
  std::string spread(const std::string& topology) {
    return R"({"maxSkew":)" + std::to_string(1 + below(2)) + R"(,"topologyKey":")" + topology +
           R"(","whenUnsatisfiable":)" +
           (chance(60) ? R"("DoNotSchedule")" : R"("ScheduleAnyway")") + "," + selector() + "}";
  }
  std::string term() { return "{\"topologyKey\":\"" + key() + "\"," + selector() + "}"; }
  std::string terms() {
    std::string list = term();
    if (chance(50)) list += "," + term();
    return R"("requiredDuringSchedulingIgnoredDuringExecution":[)" + list + "]";
  }
  std::string weighted(const std::string& name, const std::string& what) {
    return R"({"weight":)" + std::to_string(1 + below(100)) + ",\"" + name + "\":" + what + "}";
  }
  std::string preferred(const std::string& first, const std::string& second) {
    return R"("preferredDuringSchedulingIgnoredDuringExecution":[)" + first + "," + second + "]";
  }
  std::string pod_terms() {
    int kinds = below(3);
    std::string text = kinds == 1 ? "" : terms();
    if (kinds == 0) return "{" + text + "}";
    std::string wishes =
        preferred(weighted("podAffinityTerm", term()), weighted("podAffinityTerm", term()));
    return "{" + text + (text.empty() ? "" : ",") + wishes + "}";
  }
  std::string node_wish() {
    return R"({"matchExpressions":[{"key":"zone","operator":"In","values":[")" + number("z", 3) +
           "\"]}]}";
  }
  std::string affinity() {
    std::string text;
    auto add_member = [&](int percent, const std::string& member) { add(text, percent, member); };
    add_member(50, R"("podAntiAffinity":)" + pod_terms());
    add_member(40, R"("podAffinity":)" + pod_terms());
    add_member(30, R"("nodeAffinity":{)" +
                       preferred(weighted("preference", node_wish()),
                                 weighted("preference", node_wish())) +
                       "}");
    return text;
  }
  SeededRandom random_;
};

}  // namespace tiphys::scheduler
