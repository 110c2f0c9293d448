// NodeIpam: gives each node a pod range (spec.podCIDR) out of the cluster's. Upstream:
// pkg/controller/nodeipam (range allocator; events CIDRNotAvailable).
//
// Ranges of nodes that are odd (outside the cluster's range, malformed) are left alone: they take
// nothing from the pool and cause no writes.
#pragma once
#include <map>

#include "controllers/controller.h"

namespace tiphys::controllers {

// The /`bits` ranges of an IPv4 range, each in turn: one that was given back rests until the others
// have been given. Pure; one owner.
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
  std::string text_of(uint32_t number) const;
  std::string cidr_;
  uint32_t base_ = 0;
  int node_bits_ = 24;
  uint32_t count_ = 0;
  uint32_t next_ = 0;
  std::optional<uint32_t> passed_;
  std::map<uint32_t, std::string> taken_;  // number of the range -> node
};

class NodeIpam : public Controller {
 public:
  NodeIpam(Context context, RangePool pool);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void decided(const std::string& key, const Decision& decision) override { tell_pool(); }
  void ready() override;

 private:
  void tell_pool();
  RangePool pool_;
  size_t told_ = 0;  // ranges taken, as the metrics know
  client::Informer& nodes_;
};

}  // namespace tiphys::controllers
