#include "controllers/endpoint_subsets.h"

#include <algorithm>

namespace tiphys::controllers {

namespace {

// Stands for "no ports at all".
const ServicePort kNoPort{"", "", "", -1};

using Addresses = std::vector<core_v1::EndpointAddress>;

// The share of a subset, rounded up as long as there is something left.
void shorten(Addresses& addresses, size_t total, size_t limit, size_t& left) {
  size_t share = total == 0 ? 0 : (addresses.size() * limit + total - 1) / total;
  size_t kept = std::min({addresses.size(), share, left});
  addresses.resize(kept);
  left -= kept;
}

}  // namespace

void SubsetPacker::add(core_v1::EndpointAddress address, const ServicePorts& ports, bool ready) {
  Key key{std::string(address.ip()), std::string(address.target_ref().uid())};
  addresses_.try_emplace(key, address);
  auto offer = [&](const ServicePort& port) {
    auto [entry, added] = ports_[port].try_emplace(key, ready);
    entry->second = entry->second && ready;
  };
  for (const ServicePort& port : ports) offer(port);
  if (ports.empty()) offer(kNoPort);
}

std::vector<EndpointSubset> SubsetPacker::pack() const {
  std::map<Offers, ServicePorts> groups;
  for (const auto& [port, offers] : ports_) {
    ServicePorts& ports = groups[offers];
    if (port != kNoPort) ports.push_back(port);
  }
  std::vector<EndpointSubset> subsets;
  for (const auto& [offers, ports] : groups) {
    EndpointSubset& subset = subsets.emplace_back(EndpointSubset{ports, {}, {}});
    for (const auto& [key, ready] : offers) {
      (ready ? subset.ready : subset.not_ready).push_back(addresses_.at(key));
    }
  }
  std::ranges::sort(subsets, {}, &EndpointSubset::ports);
  return subsets;
}

std::vector<EndpointSubset> subsets_of(const core_v1::Endpoints& endpoints) {
  SubsetPacker packer;
  for (core_v1::EndpointSubset subset : endpoints.subsets()) {
    ServicePorts ports;
    for (core_v1::EndpointPort port : subset.ports()) {
      ports.push_back({std::string(port.name()), std::string(port.protocol()),
                       std::string(port.app_protocol()), port.port()});
    }
    for (core_v1::EndpointAddress address : subset.addresses()) packer.add(address, ports, true);
    for (core_v1::EndpointAddress address : subset.not_ready_addresses()) {
      packer.add(address, ports, false);
    }
  }
  return packer.pack();
}

bool truncate(std::vector<EndpointSubset>& subsets, size_t limit) {
  size_t ready = 0;
  size_t not_ready = 0;
  for (const EndpointSubset& subset : subsets) {
    ready += subset.ready.size();
    not_ready += subset.not_ready.size();
  }
  if (ready + not_ready <= limit) return false;
  bool only_ready = ready > limit;
  size_t left = only_ready ? limit : limit - ready;
  size_t room = left;
  for (EndpointSubset& subset : subsets) {
    if (only_ready) {
      shorten(subset.ready, ready, room, left);
      subset.not_ready.clear();
    } else {
      shorten(subset.not_ready, not_ready, room, left);
    }
  }
  std::erase_if(subsets, [](const EndpointSubset& subset) {
    return subset.ready.empty() && subset.not_ready.empty();
  });
  return true;
}

}  // namespace tiphys::controllers
