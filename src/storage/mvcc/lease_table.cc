#include "storage/mvcc/lease_table.h"

namespace tiphys::storage::mvcc {

void LeaseTable::set_deadline(LeaseId id, Lease& lease, MonoTime deadline) {
  deadlines_.erase({lease.deadline, id});
  lease.deadline = deadline;
  if (!lease.revoking) deadlines_.emplace(deadline, id);
}

void LeaseTable::grant(LeaseRecord record, MonoTime now) {
  Lease& lease = leases_[record.id];
  lease.ttl = record.ttl;
  set_deadline(record.id, lease, now + record.ttl);
}

bool LeaseTable::keep_alive(LeaseId id, MonoTime now) {
  if (!usable(id)) return false;
  Lease& lease = leases_[id];
  set_deadline(id, lease, now + lease.ttl);
  return true;
}

bool LeaseTable::usable(LeaseId id) const {
  auto it = leases_.find(id);
  return it != leases_.end() && !it->second.revoking;
}

void LeaseTable::move_key(const std::string& key, LeaseId from, LeaseId to) {
  if (from == to) return;
  if (auto it = leases_.find(from); it != leases_.end()) it->second.keys.erase(key);
  if (auto it = leases_.find(to); it != leases_.end()) it->second.keys.insert(key);
}

void LeaseTable::set_revoking(LeaseId id, bool revoking) {
  auto it = leases_.find(id);
  if (it == leases_.end()) return;
  it->second.revoking = revoking;
  deadlines_.erase({it->second.deadline, id});
  if (!revoking) deadlines_.emplace(it->second.deadline, id);
}

void LeaseTable::remove(LeaseId id) {
  auto it = leases_.find(id);
  if (it == leases_.end()) return;
  deadlines_.erase({it->second.deadline, id});
  leases_.erase(it);
}

std::vector<std::string> LeaseTable::keys(LeaseId id) const {
  auto it = leases_.find(id);
  if (it == leases_.end()) return {};
  return {it->second.keys.begin(), it->second.keys.end()};
}

std::vector<LeaseId> LeaseTable::expired(MonoTime now) const {
  std::vector<LeaseId> out;
  for (auto& [deadline, id] : deadlines_) {
    if (deadline > now) break;
    out.push_back(id);
  }
  return out;
}

std::optional<MonoTime> LeaseTable::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

void LeaseTable::postpone(LeaseId id, MonoTime until) {
  auto it = leases_.find(id);
  if (it != leases_.end()) set_deadline(id, it->second, until);
}

}  // namespace tiphys::storage::mvcc
