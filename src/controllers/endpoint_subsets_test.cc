#include "controllers/endpoint_subsets.h"

#include <gtest/gtest.h>

namespace tiphys::controllers {
namespace {

// Addresses that live as long as the test.
struct Addresses {
  core_v1::EndpointAddress make(std::string_view ip, std::string_view uid = "") {
    core_v1::EndpointAddressEdit address =
        core_v1::EndpointSubsetEdit(draft).edit_addresses().append();
    address.set_ip(ip);
    if (!uid.empty()) address.edit_target_ref().set_uid(uid);
    return address.view();
  }
  Draft draft{core_v1::EndpointSubset::message()};
};

ServicePort port(int32_t number) { return {"", "TCP", "", number}; }

std::string text(const std::vector<EndpointSubset>& subsets) {
  std::string all;
  for (const EndpointSubset& subset : subsets) {
    for (const ServicePort& port : subset.ports) all += std::to_string(port.port) + " ";
    all += "[";
    for (core_v1::EndpointAddress address : subset.ready) all += std::string(address.ip()) + " ";
    all += "|";
    for (auto address : subset.not_ready) all += " " + std::string(address.ip());
    all += "] ";
  }
  return all;
}

TEST(EndpointSubsets, those_with_the_same_ports_stand_together) {
  Addresses addresses;
  SubsetPacker packer;
  core_v1::EndpointAddress one = addresses.make("10.0.0.1", "one");
  packer.add(one, {port(80)}, true);
  packer.add(one, {port(443)}, true);
  packer.add(addresses.make("10.0.0.2", "two"), {port(80), port(443)}, false);
  packer.add(addresses.make("10.0.0.3", "three"), {port(80)}, true);
  packer.add(addresses.make("10.0.0.4"), {}, true);
  EXPECT_EQ(text(packer.pack()),
            "[10.0.0.4 |] 80 [10.0.0.1 10.0.0.3 | 10.0.0.2] 443 [10.0.0.1 | 10.0.0.2] ");
}

TEST(EndpointSubsets, an_address_once_and_not_ready_if_anything_says_so) {
  Addresses addresses;
  SubsetPacker packer;
  packer.add(addresses.make("10.0.0.1", "one"), {port(80)}, false);
  packer.add(addresses.make("10.0.0.1", "one"), {port(80)}, true);
  packer.add(addresses.make("10.0.0.1", "two"), {port(80)}, true);
  EXPECT_EQ(text(packer.pack()), "80 [10.0.0.1 | 10.0.0.1] ");
}

std::vector<EndpointSubset> subsets(Addresses& addresses,
                                    std::vector<std::pair<int, int>> ready_and_not) {
  std::vector<EndpointSubset> all;
  for (auto [ready, not_ready] : ready_and_not) {
    EndpointSubset& subset = all.emplace_back();
    for (int i = 0; i < ready; ++i) subset.ready.push_back(addresses.make("10.0.0.1"));
    for (int i = 0; i < not_ready; ++i) subset.not_ready.push_back(addresses.make("10.0.0.1"));
  }
  return all;
}

TEST(EndpointSubsets, beyond_the_limit_every_subset_loses_its_share) {
  struct Case {
    std::vector<std::pair<int, int>> before;
    std::vector<std::pair<size_t, size_t>> after;
  };
  for (const Case& test : std::vector<Case>{
           {{{6, 4}}, {{6, 4}}},
           {{{6, 5}}, {{6, 4}}},
           {{{11, 5}}, {{10, 0}}},
           {{{4, 8}, {2, 8}}, {{4, 2}, {2, 2}}},
           {{{15, 0}, {0, 3}, {5, 3}}, {{8, 0}, {2, 0}}},
       }) {
    Addresses addresses;
    std::vector<EndpointSubset> list = subsets(addresses, test.before);
    bool cut = truncate(list, 10);
    std::vector<std::pair<size_t, size_t>> after;
    for (const EndpointSubset& subset : list) {
      after.emplace_back(subset.ready.size(), subset.not_ready.size());
    }
    EXPECT_EQ(after, test.after);
    EXPECT_EQ(cut, test.before.front() != std::pair(6, 4));
  }
}

}  // namespace
}  // namespace tiphys::controllers
