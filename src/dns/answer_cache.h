// AnswerCache: answers of others for as long as their records live, the least recently used ones
// first to go. Pure: the time is given.
//
// Loop thread only. A key is a question and what else decides about its answer.
// Source: RFC 2308 (negative answers), RFC 2181, 5.2 (one TTL for a set: the least one).
#pragma once
#include <list>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "dns/upstream_answer.h"

namespace tiphys::dns {

inline constexpr size_t kMaxCachedAnswers = 10000;
inline constexpr size_t kMaxCachedBytes = 16 << 20;        // of their messages
inline constexpr size_t kMaxCachedAnswerBytes = 16 << 10;  // longer ones aren't kept

class AnswerCache {
 public:
  struct Entry {
    std::string key;
    UpstreamAnswer answer;
    MonoTime stored;
    MonoTime expires;
  };

  // Null: none that still lives. It stays until the next put().
  const Entry* find(const std::string& key, MonoTime now);
  void put(std::string key, UpstreamAnswer answer, MonoTime now);
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  using Entries = std::list<Entry>;
  void erase(Entries::iterator entry);

  Entries entries_;                                                 // last used first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;  // views of the entries' keys
  size_t bytes_ = 0;
};

}  // namespace tiphys::dns
