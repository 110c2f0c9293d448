#include "kubelet/pods/back_off.h"

#include <algorithm>

namespace tiphys::kubelet {

MicroTime BackOff::delay(const std::string& key) const {
  auto entry = entries_.find(key);
  return entry == entries_.end() ? 0 : entry->second.delay;
}

MicroTime BackOff::allowed_at(const std::string& key, MicroTime since, MicroTime now) const {
  auto entry = entries_.find(key);
  if (entry == entries_.end() || expired(entry->second, since)) return 0;
  // A clock that jumped back must not hold a container for longer than its delay.
  MicroTime at = std::min(since, now) + entry->second.delay;
  return at > now ? at : 0;
}

void BackOff::next(const std::string& key, MicroTime now) {
  Entry& entry = entries_[key];
  entry.delay = entry.delay == 0 || expired(entry, now) ? first_ : std::min(entry.delay * 2, last_);
  entry.used = now;
}

}  // namespace tiphys::kubelet
