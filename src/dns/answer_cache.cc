#include "dns/answer_cache.h"

namespace tiphys::dns {

const AnswerCache::Entry* AnswerCache::find(const std::string& key, MonoTime now) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  if (found->second->expires <= now) {
    erase(found->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front();
}

void AnswerCache::put(std::string key, UpstreamAnswer answer, MonoTime now) {
  auto found = by_key_.find(key);
  if (found != by_key_.end()) erase(found->second);
  if (answer.ttl == 0 || answer.message.size() > kMaxCachedAnswerBytes) return;
  bytes_ += answer.message.size();
  MonoTime expires = now + std::chrono::seconds(answer.ttl);
  entries_.push_front({std::move(key), std::move(answer), now, expires});
  by_key_.emplace(entries_.front().key, entries_.begin());
  while (entries_.size() > kMaxCachedAnswers || bytes_ > kMaxCachedBytes) {
    erase(std::prev(entries_.end()));
  }
}

void AnswerCache::erase(Entries::iterator entry) {
  bytes_ -= entry->answer.message.size();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace tiphys::dns
