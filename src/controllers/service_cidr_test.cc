#include "controllers/control_world_test.h"
#include "kinds/networking_v1.h"

namespace tiphys::controllers {
namespace {

void make_range(ControlWorld& world, std::string_view name, std::string_view cidr) {
  Draft draft = networking_v1::ServiceCIDR::make();
  networking_v1::ServiceCIDREdit range(draft);
  range.edit_metadata().set_name(name);
  range.edit_spec().edit_cidrs().append(cidr);
  world.api.put(service_cidrs(), draft.freeze());
}

void make_address(ControlWorld& world, std::string_view address,
                  std::string_view keeper = "ipallocator.k8s.io") {
  Draft draft = networking_v1::IPAddress::make();
  meta_v1::ObjectMetaEdit meta = networking_v1::IPAddressEdit(draft).edit_metadata();
  meta.set_name(address);
  meta.edit_labels().set("ipaddress.kubernetes.io/managed-by", keeper);
  world.api.put(ip_addresses(), draft.freeze());
}

std::string state(ControlWorld& world, std::string_view name) {
  ObjectPtr object = world.api.get(service_cidrs(), "", name);
  if (!object) return "gone";
  auto conditions = networking_v1::ServiceCIDR(*object).status().conditions();
  return conditions.empty() ? "" : std::string(conditions[0].status());
}

TEST(ServiceCidrController, keeps_ranges_while_their_addresses_need_them) {
  ControlWorld world(1, {"service-cidr-controller"});
  make_range(world, "a", "10.99.0.0/24");
  make_range(world, "v6", "fd00::/120");
  make_address(world, "10.99.0.5");
  make_address(world, "10.99.1.5");
  make_address(world, "fd00::5", "example.com");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(state(world, "a"), "True");
  EXPECT_EQ(state(world, "v6"), "True");
  world.api.remove(service_cidrs(), "", "v6");
  world.api.remove(service_cidrs(), "", "a");
  world.loop.run_for(minutes(2));
  EXPECT_EQ(state(world, "v6"), "gone");
  EXPECT_EQ(state(world, "a"), "False");
  make_range(world, "b", "10.99.0.0/16");
  world.loop.run_for(minutes(2));
  EXPECT_EQ(state(world, "a"), "gone");
  EXPECT_EQ(state(world, "b"), "True");
}

}  // namespace
}  // namespace tiphys::controllers
