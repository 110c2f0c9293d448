// Packing and hints of EndpointSlices: examples, and random changes of a Service's pods.
#include <gtest/gtest.h>

#include "base/random.h"
#include "controllers/endpoint_slice.h"
#include "controllers/resources.h"

namespace tiphys::controllers {
namespace {

using discovery_v1::EndpointSlice;
using Edits = std::function<void(core_v1::PodEdit)>;

ObjectPtr make_node(std::string_view name, std::string_view zone, std::string_view cpu) {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit node(draft);
  node.edit_metadata().set_name(name);
  if (!zone.empty()) node.edit_metadata().edit_labels().set("topology.kubernetes.io/zone", zone);
  node.edit_status().edit_allocatable().set("cpu", cpu);
  auto ready = node.edit_status().edit_conditions().append();
  ready.set_type("Ready");
  ready.set_status("True");
  return draft.freeze();
}

// A Service and its slices, as a cluster would keep them.
class Model {
 public:
  Model() {
    Draft draft = core_v1::Service::make();
    core_v1::ServiceEdit service(draft);
    service.edit_metadata().set_name("web");
    service.edit_metadata().set_namespace("ns");
    service.edit_metadata().set_uid("service-uid");
    service.edit_spec().edit_selector().set("app", "web");
    service.edit_spec().set_cluster_ip("10.43.0.1");
    service.edit_spec().edit_ip_families().append("IPv4");
    core_v1::ServicePortEdit port = service.edit_spec().edit_ports().append();
    port.set_port(80);
    port.set_protocol("TCP");
    port.set_target_port(Value::of_text(ValueType::kString, "web"));
    world.service = draft.freeze();
    world.node = [this](std::string_view name) {
      auto found = nodes.find(name);
      return found == nodes.end() ? nullptr : found->second;
    };
    for (const char* zone : {"a", "b", "c"}) add_node(std::string("node-") + zone, zone);
  }

  void add_node(const std::string& name, std::string_view zone, std::string_view cpu = "4") {
    nodes[name] = make_node(name, zone, cpu);
    std::vector<ObjectPtr> all;
    for (const auto& [key, node] : nodes) all.push_back(node);
    world.zones = zone_shares(all);
  }
  void change_service(const std::function<void(core_v1::ServiceEdit)>& change) {
    Draft draft(*world.service);
    change(core_v1::ServiceEdit(draft));
    world.service = draft.freeze();
  }
  void annotate(std::string_view mode) {
    change_service([&](core_v1::ServiceEdit service) {
      service.edit_metadata().edit_annotations().set("service.kubernetes.io/topology-mode", mode);
    });
  }
  void add_pod(int number, std::string_view node, const Edits& more = nullptr, int port = 8080) {
    std::string name = "web-" + std::to_string(number);
    Draft draft = core_v1::Pod::make();
    core_v1::PodEdit pod(draft);
    pod.edit_metadata().set_name(name);
    pod.edit_metadata().set_namespace("ns");
    pod.edit_metadata().set_uid("uid-" + name);
    pod.edit_spec().set_node_name(node);
    auto container_port = pod.edit_spec().edit_containers().append().edit_ports().append();
    container_port.set_name("web");
    container_port.set_container_port(port);
    std::string last = std::to_string(number / 250) + "." + std::to_string(number % 250);
    pod.edit_status().set_phase("Running");
    pod.edit_status().edit_pod_ips().append().set_ip("10.1." + last);
    pod.edit_status().edit_pod_ips().append().set_ip("fd00::" + std::to_string(number + 1));
    auto condition = pod.edit_status().edit_conditions().append();
    condition.set_type("Ready");
    condition.set_status("True");
    if (more) more(pod);
    pods[number] = draft.freeze();
  }
  // One look and its writes; how many they were.
  size_t look() {
    world.pods.clear();
    for (const auto& [number, pod] : pods) world.pods.push_back(pod);
    world.slices.clear();
    for (const auto& [name, slice] : slices) world.slices.push_back(slice);
    SlicePlan plan = plan_slices(world);
    world.hints = plan.hints;
    notes = plan.notes;
    for (const Action& action : plan.decision.actions) apply(action);
    return plan.decision.actions.size();
  }
  std::multiset<size_t> sizes() const {
    std::multiset<size_t> all;
    for (const auto& [name, slice] : slices) all.insert(EndpointSlice(*slice).endpoints().size());
    return all;
  }
  // How many endpoints are hinted to a zone.
  ZoneCounts hinted() const {
    ZoneCounts counts;
    for (const auto& [name, slice] : slices) {
      for (discovery_v1::Endpoint endpoint : EndpointSlice(*slice).endpoints()) {
        auto zones = endpoint.hints().for_zones();
        ++counts[zones.empty() ? "" : std::string(zones[0].name())];
      }
    }
    return counts;
  }

  SliceWorld world;
  std::map<std::string, ObjectPtr, std::less<>> nodes;
  std::map<int, ObjectPtr> pods;
  std::map<std::string, ObjectPtr> slices;
  std::vector<Note> notes;

 private:
  void apply(const Action& action) {
    std::string name(name_of(*action.object));
    if (action.verb == Action::Verb::kDelete) {
      slices.erase(name);
      return;
    }
    Draft draft(*action.object);
    if (name.empty()) name = "web-" + std::to_string(next_name_++);
    edit_metadata(draft).set_name(name);
    slices[name] = draft.freeze();
  }
  int next_name_ = 100;
};

TEST(SlicePacking, fills_what_changes_anyway_and_spares_what_does_not) {
  Model model;
  model.world.limit = 4;
  for (int i = 0; i < 6; ++i) model.add_pod(i, "node-a");
  EXPECT_EQ(model.look(), 2u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{2, 4}));
  EXPECT_EQ(model.look(), 0u);
  // Room for two in one slice: that one alone is written.
  model.add_pod(6, "node-a");
  model.add_pod(7, "node-a");
  EXPECT_EQ(model.look(), 1u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{4, 4}));
  // One leaves either slice and two come: in the places that became free.
  std::vector<std::string> firsts;
  for (const auto& [name, slice] : model.slices) {
    std::string pod(EndpointSlice(*slice).endpoints()[0].target_ref().name());
    model.pods.erase(std::stoi(pod.substr(4)));
  }
  model.add_pod(8, "node-a");
  model.add_pod(9, "node-a");
  EXPECT_EQ(model.look(), 2u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{4, 4}));
}

TEST(SlicePacking, rather_another_slice_than_two_updates) {
  Model model;
  model.world.limit = 10;
  for (int i = 0; i < 20; ++i) model.add_pod(i, "node-a");
  EXPECT_EQ(model.look(), 2u);
  for (const auto& [name, slice] : model.slices) {
    for (size_t i = 0; i < 5; ++i) {
      std::string pod(EndpointSlice(*slice).endpoints()[i].target_ref().name());
      model.pods.erase(std::stoi(pod.substr(4)));
    }
  }
  EXPECT_EQ(model.look(), 2u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{5, 5}));
  for (int i = 30; i < 40; ++i) model.add_pod(i, "node-a");
  EXPECT_EQ(model.look(), 1u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{5, 5, 10}));
}

TEST(SlicePacking, a_slice_for_each_set_of_ports_and_family) {
  Model model;
  model.change_service(
      [](core_v1::ServiceEdit service) { service.edit_spec().edit_ip_families().append("IPv6"); });
  model.add_pod(1, "node-a");
  model.add_pod(2, "node-a", nullptr, 9090);
  model.add_pod(3, "node-a", [](core_v1::PodEdit pod) {
    pod.edit_spec().edit_containers()[0].clear_ports();
    pod.edit_status().edit_pod_ips().erase(1);
  });
  // A sidecar's port.
  model.add_pod(4, "node-a", [](core_v1::PodEdit pod) {
    core_v1::PodSpecEdit spec = pod.edit_spec();
    spec.edit_init_containers().append(spec.view().containers()[0]);
    spec.edit_init_containers()[0].set_restart_policy("Always");
    spec.edit_containers()[0].clear_ports();
  });
  EXPECT_EQ(model.look(), 5u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{1, 1, 1, 2, 2}));
  EXPECT_EQ(model.look(), 0u);
  // Without pods one empty slice of either family stays, and serves again.
  model.pods.clear();
  EXPECT_EQ(model.look(), 5u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{0, 0}));
  EXPECT_EQ(model.look(), 0u);
  model.add_pod(1, "node-a");
  EXPECT_EQ(model.look(), 2u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{1, 1}));
}

TEST(SlicePacking, the_same_address_twice_is_two_endpoints) {
  Model model;
  auto on_host = [](core_v1::PodEdit pod) {
    pod.edit_status().clear_pod_ips();
    pod.edit_status().edit_pod_ips().append().set_ip("192.168.000.7");
  };
  model.add_pod(1, "node-a", on_host);
  model.add_pod(2, "node-a", on_host);
  model.look();
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{2}));
  EndpointSlice slice(*model.slices.begin()->second);
  EXPECT_EQ(slice.endpoints()[0].addresses()[0], "192.168.0.7");
}

TEST(SlicePacking, slices_of_an_earlier_service_go) {
  Model model;
  model.add_pod(1, "node-a");
  model.look();
  model.change_service(
      [](core_v1::ServiceEdit service) { service.edit_metadata().set_uid("another"); });
  EXPECT_EQ(model.look(), 2u);
  EXPECT_EQ(model.sizes(), (std::multiset<size_t>{1}));
  // One that is being deleted gets no new ones.
  model.slices.clear();
  model.change_service([](core_v1::ServiceEdit service) {
    service.edit_metadata().set_deletion_timestamp(kMicrosPerSecond);
  });
  EXPECT_EQ(model.look(), 0u);
}

TEST(EndpointHints, zones_get_endpoints_as_they_have_cpus) {
  Model model;
  model.annotate("Auto");
  model.add_node("node-a", "a", "8");
  model.add_node("node-b", "b", "4");
  model.add_node("node-c", "c", "4");
  for (int i = 0; i < 12; ++i) model.add_pod(i, "node-a");
  EXPECT_EQ(model.look(), 1u);
  ASSERT_EQ(model.notes.size(), 1u);
  EXPECT_EQ(model.notes[0].reason, "TopologyAwareHintsEnabled");
  EXPECT_EQ(model.notes[0].message, "Topology Aware Hints has been enabled, addressType: IPv4");
  EXPECT_EQ(model.hinted(), (ZoneCounts{{"a", 6}, {"b", 3}, {"c", 3}}));
  EXPECT_EQ(model.look(), 0u);
  EXPECT_TRUE(model.notes.empty());
  // Zone c is lost.
  model.nodes.erase("node-c");
  model.add_node("node-b", "b", "8");
  EXPECT_TRUE(is_overloaded(model.world.hints.at("IPv4"), model.world.zones));
  EXPECT_EQ(model.look(), 1u);
  EXPECT_EQ(model.hinted(), (ZoneCounts{{"a", 6}, {"b", 6}}));
  EXPECT_FALSE(is_overloaded(model.world.hints.at("IPv4"), model.world.zones));
  model.annotate("Disabled");
  EXPECT_EQ(model.look(), 1u);
  ASSERT_EQ(model.notes.size(), 1u);
  EXPECT_EQ(model.notes[0].message, "Topology Aware Hints has been disabled, addressType: IPv4");
  EXPECT_EQ(model.hinted(), (ZoneCounts{{"", 12}}));
}

TEST(EndpointHints, say_why_there_are_none) {
  struct Case {
    int pods;
    std::string_view zone;
    std::string_view cpu;
    std::string_view message;
  };
  for (const Case& test : std::vector<Case>{
           {2, "c", "4", "Insufficient number of endpoints (2 endpoints, 3 zones)"},
           {9, "", "4",
            "Insufficient Node information: allocatable CPU or zone not specified on one or more "
            "nodes"},
           {9, "c", "0",
            "Insufficient Node information: allocatable CPU or zone not specified on one or more "
            "nodes"},
           {4, "c", "4",
            "Unable to allocate minimum required endpoints to each zone without exceeding overload "
            "threshold (4 endpoints, 3 zones)"},
       }) {
    Model model;
    model.annotate("auto");
    model.add_node("node-c", test.zone, test.cpu);
    for (int i = 0; i < test.pods; ++i) model.add_pod(i, "node-a");
    model.look();
    ASSERT_EQ(model.notes.size(), 1u);
    EXPECT_EQ(model.notes[0].reason, "TopologyAwareHintsDisabled");
    EXPECT_EQ(model.notes[0].message, std::string(test.message) + ", addressType: IPv4");
    EXPECT_EQ(model.hinted(), (ZoneCounts{{"", test.pods}}));
  }
}

TEST(EndpointHints, nodes_of_the_control_plane_and_unready_ones_do_not_count) {
  Draft control = Draft(*make_node("control", "", "64"));
  edit_metadata(control).edit_labels().set("node-role.kubernetes.io/control-plane", "");
  Draft lost = Draft(*make_node("lost", "c", "64"));
  core_v1::NodeEdit(lost).edit_status().edit_conditions()[0].set_status("Unknown");
  ZoneShares shares = zone_shares(
      {control.freeze(), lost.freeze(), make_node("x", "a", "1500m"), make_node("y", "b", "500m")});
  EXPECT_EQ(shares, (ZoneShares{{"a", 0.75}, {"b", 0.25}}));
  EXPECT_TRUE(zone_shares({make_node("x", "a", "1")}).empty());
}

// What pods should be endpoints, against what the slices say.
void check_endpoints(const Model& model, std::string_view family) {
  std::map<std::string, int> seen;
  for (const auto& [name, object] : model.slices) {
    EndpointSlice slice(*object);
    EXPECT_LE(slice.endpoints().size(), model.world.limit);
    if (slice.address_type() != family) continue;
    for (discovery_v1::Endpoint endpoint : slice.endpoints()) {
      EXPECT_EQ(++seen[std::string(endpoint.target_ref().name())], 1);
      auto pod = model.pods.find(std::stoi(std::string(endpoint.target_ref().name()).substr(4)));
      ASSERT_NE(pod, model.pods.end());
      core_v1::Pod view(*pod->second);
      EXPECT_EQ(ports_on(core_v1::Service(*model.world.service), view), ports_of(slice));
      bool ready = view.status().conditions()[0].status() == "True";
      EXPECT_EQ(endpoint.conditions().ready(), ready);
      EXPECT_TRUE(ready || !endpoint.has_hints());
    }
  }
  EXPECT_EQ(seen.size(), model.pods.size());
}

// One random change; true: at most one slice of a family need be written for it.
bool change_something(Model& model, Random& random, int* next) {
  uint64_t what = random.next() % 10;
  const char* kNodes[] = {"node-a", "node-b", "node-c"};
  auto some_pod = [&] {
    return std::next(model.pods.begin(), static_cast<long>(random.next() % model.pods.size()));
  };
  if (what < 4 || model.pods.empty()) {
    bool odd = random.next() % 4 == 0;
    model.add_pod((*next)++, kNodes[random.next() % 3], nullptr, odd ? 9090 : 8080);
  } else if (what < 7) {
    model.pods.erase(some_pod());
  } else if (what < 9) {
    auto pod = some_pod();
    Draft draft(*pod->second);
    auto condition = core_v1::PodEdit(draft).edit_status().edit_conditions()[0];
    condition.set_status(condition.view().status() == "True" ? "False" : "True");
    pod->second = draft.freeze();
  } else {
    for (uint64_t i = random.next() % 12; i > 0; --i) {
      if (!model.pods.empty() && random.next() % 2 == 0) model.pods.erase(some_pod());
      model.add_pod((*next)++, kNodes[random.next() % 3]);
    }
    return false;
  }
  return true;
}

TEST(EndpointSlicePlan, random_changes_keep_every_endpoint_once_with_few_writes) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    Model model;
    model.world.limit = 1 + random.next() % 7;
    bool two = random.next() % 2 == 0;
    bool zones = seed % 3 == 0;
    const char* distribution = seed % 3 == 1 ? "PreferSameNode" : "";
    model.change_service([&](core_v1::ServiceEdit service) {
      if (two) service.edit_spec().edit_ip_families().append("IPv6");
      service.edit_spec().set_traffic_distribution(distribution);
    });
    if (zones) model.annotate("Auto");
    int next = 0;
    for (int i = 0; i < 100; ++i) {
      bool small = change_something(model, random, &next);
      size_t writes = model.look();
      if (small && !zones) EXPECT_LE(writes, two ? 2u : 1u) << i;
      // Hints that depend on one another may take another look.
      for (int again = 0; zones && again < 3 && model.look() > 0; ++again) {
      }
      EXPECT_EQ(model.look(), 0u) << i;
      check_endpoints(model, "IPv4");
      if (two) check_endpoints(model, "IPv6");
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace tiphys::controllers
