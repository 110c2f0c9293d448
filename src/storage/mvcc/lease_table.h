// LeaseTable: which leases exist, when they end and which keys they hold. Pure; one thread.
#pragma once
#include <map>
#include <set>

#include "storage/store.h"

namespace tiphys::storage::mvcc {

struct LeaseRecord {
  LeaseId id = 0;
  Duration ttl{};
};

class LeaseTable {
 public:
  void grant(LeaseRecord lease, MonoTime now);
  // False: no such lease (or one that is being revoked).
  bool keep_alive(LeaseId id, MonoTime now);
  bool usable(LeaseId id) const;
  bool exists(LeaseId id) const { return leases_.contains(id); }
  // A key's lease changed; 0 is none. Unknown leases are ignored.
  void move_key(const std::string& key, LeaseId from, LeaseId to);
  // Revoking: between the decision and its commit. It can be taken back.
  void set_revoking(LeaseId id, bool revoking);
  void remove(LeaseId id);
  std::vector<std::string> keys(LeaseId id) const;
  // Leases that have ended by now and are not being revoked.
  std::vector<LeaseId> expired(MonoTime now) const;
  // When the next lease ends; nothing: never.
  std::optional<MonoTime> next_deadline() const;
  void postpone(LeaseId id, MonoTime until);
  LeaseId newest() const { return leases_.empty() ? 0 : leases_.rbegin()->first; }

 private:
  struct Lease {
    Duration ttl{};
    MonoTime deadline{};
    bool revoking = false;
    std::set<std::string> keys;
  };
  void set_deadline(LeaseId id, Lease& lease, MonoTime deadline);
  std::map<LeaseId, Lease> leases_;
  std::set<std::pair<MonoTime, LeaseId>> deadlines_;
};

}  // namespace tiphys::storage::mvcc
