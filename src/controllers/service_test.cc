// Endpoints and EndpointSlices: who is in them, and how few writes a change takes.
#include <gtest/gtest.h>

#include "controllers/control_world_test.h"
#include "controllers/endpoint_slice.h"
#include "kinds/discovery_v1.h"

namespace tiphys::controllers {
namespace {

const std::vector<std::string> kOnly = {"endpointslice-controller", "endpoints-controller"};

void make_service(ControlWorld& world, std::string_view name, bool headless = false) {
  Draft draft = core_v1::Service::make();
  core_v1::ServiceEdit service(draft);
  service.edit_metadata().set_name(name);
  service.edit_metadata().set_namespace("default");
  service.edit_metadata().edit_labels().set("team", "a");
  service.edit_spec().edit_selector().set("app", name);
  service.edit_spec().set_cluster_ip(headless ? "None" : "10.43.0.7");
  service.edit_spec().edit_ip_families().append("IPv4");
  core_v1::ServicePortEdit port = service.edit_spec().edit_ports().append();
  port.set_name("http");
  port.set_port(80);
  port.set_protocol("TCP");
  port.set_target_port(Value::of_text(ValueType::kString, "web"));
  world.api.put(services(), draft.freeze());
}

void make_node(ControlWorld& world, std::string_view name = "node-1") {
  Draft draft = core_v1::Node::make();
  edit_metadata(draft).set_name(name);
  world.api.put(nodes(), draft.freeze());
}

ObjectPtr make_pod(ControlWorld& world, std::string_view app, int number, bool ready = true) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().set_name(std::string(app) + "-" + std::to_string(number));
  pod.edit_metadata().set_namespace("default");
  pod.edit_metadata().edit_labels().set("app", app);
  pod.edit_spec().set_node_name("node-1");
  auto container = pod.edit_spec().edit_containers().append();
  container.set_name("c");
  auto port = container.edit_ports().append();
  port.set_name("web");
  port.set_container_port(8080);
  pod.edit_status().set_phase("Running");
  std::string ip = "10.42." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
  pod.edit_status().set_pod_ip(ip);
  auto condition = pod.edit_status().edit_conditions().append();
  condition.set_type("Ready");
  condition.set_status(ready ? "True" : "False");
  return world.api.put(pods(), draft.freeze());
}

size_t endpoint_count(ControlWorld& world) {
  size_t count = 0;
  for (const ObjectPtr& slice : world.api.list(endpoint_slices())) {
    count += discovery_v1::EndpointSlice(*slice).endpoints().size();
  }
  return count;
}

TEST(EndpointSlices, show_ready_serving_and_terminating_pods) {
  ControlWorld world(1, kOnly);
  make_node(world);
  make_service(world, "web");
  make_pod(world, "web", 1);
  make_pod(world, "web", 2, false);
  make_pod(world, "web", 3);
  make_pod(world, "other", 4);
  world.nodes.hold(true);
  world.api.remove(pods(), "default", "web-3");
  ASSERT_TRUE(world.settle());
  auto slices = world.api.list(endpoint_slices());
  ASSERT_EQ(slices.size(), 1u);
  discovery_v1::EndpointSlice slice(*slices[0]);
  EXPECT_TRUE(slice.metadata().name().starts_with("web-"));
  EXPECT_EQ(slice.metadata().labels().find("kubernetes.io/service-name"), "web");
  EXPECT_EQ(slice.metadata().labels().find("team"), "a");
  EXPECT_EQ(slice.address_type(), "IPv4");
  ASSERT_EQ(slice.ports().size(), 1u);
  EXPECT_EQ(slice.ports()[0].port(), 8080);
  EXPECT_EQ(slice.ports()[0].name(), "http");
  ASSERT_EQ(slice.endpoints().size(), 3u);
  for (discovery_v1::Endpoint endpoint : slice.endpoints()) {
    std::string_view pod = endpoint.target_ref().name();
    EXPECT_EQ(endpoint.conditions().ready(), pod == "web-1");
    EXPECT_EQ(endpoint.conditions().serving(), pod != "web-2");
    EXPECT_EQ(endpoint.conditions().terminating(), pod == "web-3");
    EXPECT_EQ(endpoint.node_name(), "node-1");
  }
  auto legacy = world.api.get(endpoints(), "default", "web");
  ASSERT_TRUE(legacy);
  core_v1::Endpoints view(*legacy);
  ASSERT_EQ(view.subsets().size(), 1u);
  EXPECT_EQ(view.subsets()[0].addresses().size(), 1u);
  EXPECT_EQ(view.subsets()[0].not_ready_addresses().size(), 1u);
  EXPECT_EQ(view.subsets()[0].ports()[0].port(), 8080);
}

TEST(EndpointSlices, hold_at_most_100_and_a_change_touches_one) {
  ControlWorld world(1, kOnly);
  make_node(world);
  for (int i = 0; i < 250; ++i) make_pod(world, "web", i);
  make_service(world, "web");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.list(endpoint_slices()).size(), 3u);
  EXPECT_EQ(endpoint_count(world), 250u);
  size_t writes = world.api.write_count();
  make_pod(world, "web", 120, false);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.write_count(), writes + 2);  // its slice, and the Endpoints
  writes = world.api.write_count();
  world.loop.run_for(std::chrono::hours(3));
  EXPECT_EQ(world.api.write_count(), writes);
}

TEST(EndpointSlices, endpoints_hold_no_more_than_a_thousand_addresses) {
  ControlWorld world(1, kOnly);
  make_node(world);
  for (int i = 0; i < 1003; ++i) make_pod(world, "web", i, i % 100 != 0);
  make_service(world, "web");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.list(endpoint_slices()).size(), 11u);
  EXPECT_EQ(endpoint_count(world), 1003u);
  constexpr const char* kOverCapacity = "endpoints.kubernetes.io/over-capacity";
  ObjectPtr legacy = world.api.get(endpoints(), "default", "web");
  core_v1::EndpointSubset subset = core_v1::Endpoints(*legacy).subsets()[0];
  EXPECT_EQ(subset.addresses().size(), 992u);
  EXPECT_EQ(subset.not_ready_addresses().size(), 8u);
  EXPECT_EQ(client::metadata(*legacy).annotations().find(kOverCapacity), "truncated");
  for (int i = 1; i <= 3; ++i) world.api.remove(pods(), "default", "web-" + std::to_string(i));
  ASSERT_TRUE(world.settle());
  legacy = world.api.get(endpoints(), "default", "web");
  subset = core_v1::Endpoints(*legacy).subsets()[0];
  EXPECT_EQ(subset.addresses().size(), 989u);
  EXPECT_EQ(subset.not_ready_addresses().size(), 11u);
  EXPECT_FALSE(client::metadata(*legacy).annotations().contains(kOverCapacity));
}

// Upstream's queue: one second, then twice as long each time.
TEST(EndpointSlices, a_failed_write_is_tried_again_after_a_second) {
  ControlWorld world(1, kOnly);
  int tries = 0;
  world.api.before = [&](const client::Request& request) -> std::optional<ApiStatus> {
    bool slice = request.method == "POST" && request.path.ends_with("/endpointslices");
    if (!slice) return std::nullopt;
    ++tries;
    return ApiStatus::internal("no");
  };
  make_service(world, "web");
  world.loop.run_for(milliseconds(900));
  EXPECT_EQ(tries, 1);
  world.loop.run_for(milliseconds(200));
  EXPECT_EQ(tries, 2);
  world.loop.run_for(milliseconds(1800));
  EXPECT_EQ(tries, 2);
  world.loop.run_for(milliseconds(300));
  EXPECT_EQ(tries, 3);
}

TEST(EndpointSlices, a_service_without_pods_has_one_empty_slice) {
  ControlWorld world(1, kOnly);
  make_node(world);
  make_service(world, "web");
  ASSERT_TRUE(world.settle());
  auto slices = world.api.list(endpoint_slices());
  ASSERT_EQ(slices.size(), 1u);
  std::string name(name_of(*slices[0]));
  EXPECT_TRUE(world.api.get(endpoints(), "default", "web"));
  make_pod(world, "web", 1);
  ASSERT_TRUE(world.settle());
  slices = world.api.list(endpoint_slices());
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(name_of(*slices[0]), name);
  EXPECT_EQ(endpoint_count(world), 1u);
}

TEST(EndpointSlices, follow_when_published_before_ready_and_when_the_service_goes) {
  ControlWorld world(1, kOnly);
  make_node(world);
  make_service(world, "web", true);
  make_pod(world, "web", 1, false);
  world.change<core_v1::ServiceEdit>(services(), "web", [](core_v1::ServiceEdit& edit) {
    edit.edit_spec().set_publish_not_ready_addresses(true);
  });
  ASSERT_TRUE(world.settle());
  discovery_v1::EndpointSlice slice(*world.api.list(endpoint_slices())[0]);
  ASSERT_EQ(slice.endpoints().size(), 1u);
  EXPECT_TRUE(slice.endpoints()[0].conditions().ready());
  EXPECT_TRUE(slice.metadata().labels().contains("service.kubernetes.io/headless"));
  world.api.remove(services(), "default", "web");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(world.api.get(endpoints(), "default", "web"));
}

TEST(EndpointSlices, services_without_selector_are_left_alone_till_they_go) {
  ControlWorld world(1, kOnly);
  Draft draft = core_v1::Service::make();
  edit_metadata(draft).set_name("kubernetes");
  edit_metadata(draft).set_namespace("default");
  world.api.put(services(), draft.freeze());
  Draft own = core_v1::Endpoints::make();
  edit_metadata(own).set_name("kubernetes");
  edit_metadata(own).set_namespace("default");
  world.api.put(endpoints(), own.freeze());
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.write_count(), 0u);
  make_node(world);
  Draft orphan = core_v1::Endpoints::make();
  edit_metadata(orphan).set_name("orphan");
  edit_metadata(orphan).set_namespace("default");
  world.api.put(endpoints(), orphan.freeze());
  world.api.remove(services(), "default", "kubernetes");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(world.api.get(endpoints(), "default", "kubernetes"));
  world.restart();
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.api.get(endpoints(), "default", "orphan"));
}

TEST(EndpointSlices, a_pod_waits_for_its_node_and_has_the_zone_that_it_is_in) {
  ControlWorld world(1, kOnly);
  make_service(world, "web");
  make_pod(world, "web", 1);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(endpoint_count(world), 0u);
  EXPECT_EQ(world.event_texts("FailedToUpdateEndpointSlices"),
            std::multiset<std::string>{"Error updating Endpoint Slices for Service default/web: "
                                       "skipping Pod web-1 for Service default/web: Node node-1 "
                                       "Not Found"});
  make_node(world);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(endpoint_count(world), 1u);
  world.change<core_v1::NodeEdit>(nodes(), "node-1", [](core_v1::NodeEdit& edit) {
    edit.edit_metadata().edit_labels().set("topology.kubernetes.io/zone", "a");
  });
  ASSERT_TRUE(world.settle());
  discovery_v1::EndpointSlice slice(*world.api.list(endpoint_slices())[0]);
  EXPECT_EQ(slice.endpoints()[0].zone(), "a");
}

TEST(EndpointSlices, limits_and_batch_periods_are_options) {
  ControlWorld world(1, kOnly);
  world.stop();
  world.options.endpoint_slices = {2, seconds(3)};
  world.options.endpoints = {seconds(5)};
  world.start();
  make_node(world);
  make_service(world, "web");
  ASSERT_TRUE(world.settle());
  for (int i = 0; i < 5; ++i) make_pod(world, "web", i);
  size_t writes = world.api.write_count();
  world.loop.run_for(milliseconds(2900));
  EXPECT_EQ(world.api.write_count(), writes);
  world.loop.run_for(milliseconds(200));
  EXPECT_EQ(world.api.list(endpoint_slices()).size(), 3u);
  EXPECT_EQ(world.api.write_count(), writes + 3);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.write_count(), writes + 4);
  world.stop();
  world.options.endpoint_slices.max_endpoints_per_slice = 1001;
  auto made = ControllerManager::create(world.loop, world.client, world.random, world.options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(),
            "max-endpoints-per-slice must not be more than 1000, but got 1001");
  world.options.endpoint_slices.max_endpoints_per_slice = 1000;
  world.start();
}

}  // namespace
}  // namespace tiphys::controllers
