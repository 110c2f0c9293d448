#include "controllers/pending_writes.h"

#include "base/log.h"
#include "base/strings.h"
#include "client/object_key.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

constexpr Duration kGiveUpAfter = std::chrono::minutes(5);

// Zero for versions that are no numbers: those can't be compared.
uint64_t revision_of(std::string_view text) { return parse_uint(text).value_or(0); }

}  // namespace

PendingWrites::Entry PendingWrites::entry_for(const client::Informer& informer,
                                              const Object& object) const {
  meta_v1::ObjectMeta meta = metadata(object);
  return {&informer, std::string(meta.namespace_()),       std::string(meta.name()),
          "",        revision_of(meta.resource_version()), clock_.mono() + kGiveUpAfter};
}

void PendingWrites::wrote(const std::string& key, const client::Informer& informer,
                          const Object& result) {
  Entry entry = entry_for(informer, result);
  if (!is_seen(entry)) pending_[key].push_back(std::move(entry));
}

void PendingWrites::deleted(const std::string& key, const client::Informer& informer,
                            const Object& object) {
  Entry entry = entry_for(informer, object);
  entry.uid = metadata(object).uid();
  if (!is_seen(entry)) pending_[key].push_back(std::move(entry));
}

bool PendingWrites::is_seen(const Entry& entry) const {
  ObjectPtr known = entry.informer->get(entry.ns, entry.name);
  if (!entry.uid.empty()) {
    return !known || metadata(*known).uid() != entry.uid ||
           metadata(*known).has_deletion_timestamp();
  }
  if (revision_of(entry.informer->resource_version()) >= entry.revision) return true;
  return known && revision_of(metadata(*known).resource_version()) >= entry.revision;
}

bool PendingWrites::seen(const std::string& key) {
  auto found = pending_.find(key);
  if (found == pending_.end()) return true;
  std::erase_if(found->second, [&](const Entry& entry) {
    if (is_seen(entry)) return true;
    if (clock_.mono() < entry.deadline) return false;
    LOG_WARNING("A write was never seen in the cache", {"key", key}, {"name", entry.name});
    return true;
  });
  if (!found->second.empty()) return false;
  pending_.erase(found);
  return true;
}

}  // namespace tiphys::controllers
