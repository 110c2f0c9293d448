// RangePool: the ranges of nodes out of one of the cluster's ranges, and the pools that the flags
// of the controller manager describe. Pure; one owner.
// Upstream: pkg/controller/nodeipam/ipam/cidrset, cmd/kube-controller-manager/app/core.go
// (setNodeCIDRMaskSizes, validateCIDRs).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kinds/ip_address.h"

namespace tiphys::controllers {

// The /`bits` ranges of a range, each in turn: one that was given back rests until the others have
// been given.
class RangePool {
 public:
  // Error: BadRequest for a malformed range or mask.
  static Result<RangePool> create(std::string_view cidr, int node_bits);
  // Gives nobody what overlaps with this range. Error: BadRequest for a malformed one.
  Result<void> reserve(std::string_view cidr);
  // Marks a range as taken by a node. False: not of this pool.
  bool take(std::string_view cidr, const std::string& node);
  // The node's range, taken now if it had none. Nothing: the pool is empty.
  std::optional<std::string> range_for(const std::string& node);
  // Past how many taken ranges the last range_for() went; nothing: it took none.
  std::optional<uint32_t> passed() const { return passed_; }
  void give_back(const std::string& node);
  const std::string& cidr() const { return cidr_; }
  size_t taken() const { return taken_.size(); }
  size_t size() const { return count_; }

 private:
  int shift() const;  // the bits of a node's range that are the node's own
  std::string text_of(uint32_t number) const;

  std::string cidr_;
  IpPrefix range_;  // masked
  int node_bits_ = 24;
  uint32_t count_ = 0;
  uint32_t next_ = 0;
  std::optional<uint32_t> passed_;
  std::map<uint32_t, std::string> taken_;  // number of the range -> node
};

struct RangeOptions {
  std::string cluster_cidr = "10.42.0.0/16";  // --cluster-cidr: one, or one of each family
  std::string service_cidr;                   // --service-cluster-ip-range: of it nodes get none
  // --node-cidr-mask-size, -ipv4, -ipv6; 0: not given.
  int node_cidr_mask_size = 0;
  int node_cidr_mask_size_ipv4 = 0;
  int node_cidr_mask_size_ipv6 = 0;
};

// A pool for each of the cluster's ranges, in their order. Error: BadRequest for ranges or masks
// that don't go together.
Result<std::vector<RangePool>> make_range_pools(const RangeOptions& options);

}  // namespace tiphys::controllers
