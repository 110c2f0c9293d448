// PendingWrites: what a controller wrote for a key and has not yet seen come back through its
// informers. While something is pending the key is not looked at, so that a cache that lags behind
// never makes a controller act twice (what client-go's controllers call expectations).
//
// Loop thread only. A creation or update is seen when the informer reflects its resourceVersion, a
// deletion when the object is gone, replaced or being deleted. Whatever is not seen within 5
// minutes is given up, as upstream does.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "client/informer.h"

namespace tiphys::controllers {

class PendingWrites {
 public:
  explicit PendingWrites(const Clock& clock) : clock_(clock) {}
  void wrote(const std::string& key, const client::Informer& informer, const Object& result);
  void deleted(const std::string& key, const client::Informer& informer, const Object& object);
  // Everything written for the key has been seen.
  bool seen(const std::string& key);
  size_t size() const { return pending_.size(); }

 private:
  struct Entry {
    const client::Informer* informer;
    std::string ns;
    std::string name;
    std::string uid;    // of what was deleted; empty: a write
    uint64_t revision;  // of what was written
    MonoTime deadline;
  };
  bool is_seen(const Entry& entry) const;
  Entry entry_for(const client::Informer& informer, const Object& object) const;

  const Clock& clock_;
  std::unordered_map<std::string, std::vector<Entry>> pending_;
};

}  // namespace tiphys::controllers
