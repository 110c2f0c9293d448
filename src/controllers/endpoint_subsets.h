// Endpoint subsets in their canonical form: addresses that offer the same ports stand together,
// each once, ready or not. Pure; views must outlive the call that they are passed to, and what it
// returns. Source: k8s.io/kubernetes pkg/api/v1/endpoints (RepackSubsets); the order is ours: by
// ports, addresses by IP.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controllers/service_pods.h"

namespace tiphys::controllers {

struct EndpointSubset {
  ServicePorts ports;
  std::vector<core_v1::EndpointAddress> ready;
  std::vector<core_v1::EndpointAddress> not_ready;
};

class SubsetPacker {
 public:
  // An address that is added as not ready is not ready, whatever else is said of it.
  void add(core_v1::EndpointAddress address, const ServicePorts& ports, bool ready);
  std::vector<EndpointSubset> pack() const;

 private:
  using Key = std::pair<std::string, std::string>;  // IP, uid of the target
  using Offers = std::map<Key, bool>;               // who offers a port: ready
  std::map<Key, core_v1::EndpointAddress> addresses_;
  std::map<ServicePort, Offers> ports_;
};

std::vector<EndpointSubset> subsets_of(const core_v1::Endpoints& endpoints);

// Endpoints hold no more addresses than that; ready ones go first, and every subset loses its
// share. True: some were dropped.
inline constexpr size_t kMaxEndpointsAddresses = 1000;
bool truncate(std::vector<EndpointSubset>& subsets, size_t limit = kMaxEndpointsAddresses);

}  // namespace tiphys::controllers
