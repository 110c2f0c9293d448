#include "scheduler/queue.h"

#include <algorithm>

namespace tiphys::scheduler {

bool SchedulingQueue::ActiveKey::operator<(const ActiveKey& other) const {
  if (priority != other.priority) return priority > other.priority;
  return std::tie(sequence, uid) < std::tie(other.sequence, other.uid);
}

SchedulingQueue::ActiveKey SchedulingQueue::key_of(const Entry& entry) {
  return {entry.pod->priority, entry.sequence, entry.pod->uid};
}

Duration SchedulingQueue::back_off_of(int attempts) const {
  Duration wait = options_.first_back_off;
  for (int i = 1; i < attempts && wait < options_.last_back_off; ++i) wait *= 2;
  return std::min(wait, options_.last_back_off);
}

void SchedulingQueue::leave(Entry& entry) {
  switch (entry.place) {
    case Place::kActive:
      active_.erase(key_of(entry));
      break;
    case Place::kBackOff:
      back_off_.erase({entry.due, entry.pod->uid});
      break;
    case Place::kUnschedulable:
      unschedulable_.erase({entry.due, entry.pod->uid});
      break;
    case Place::kPopped:
    case Place::kGated:
      break;
  }
  entry.place = Place::kPopped;
}

// Into the active set, or into back-off while that lasts.
void SchedulingQueue::activate(Entry& entry, MonoTime now) {
  leave(entry);
  MonoTime due = entry.last_failure + back_off_of(entry.attempts);
  if (entry.attempts > 0 && due > now) {
    entry.place = Place::kBackOff;
    entry.due = due;
    back_off_.emplace(due, entry.pod->uid);
    return;
  }
  entry.place = Place::kActive;
  active_.insert(key_of(entry));
}

void SchedulingQueue::add(const PodPtr& pod, MonoTime now) {
  auto [at, added] = pods_.try_emplace(pod->uid);
  Entry& entry = at->second;
  if (added) {
    entry.sequence = ++sequence_;
  } else if (entry.place == Place::kPopped) {
    entry.pod = pod;  // being worked on: the new version counts from the next attempt on
    return;
  } else {
    leave(entry);
  }
  entry.pod = pod;
  if (pod->gated) {
    entry.place = Place::kGated;
    return;
  }
  activate(entry, now);
}

void SchedulingQueue::forget(const std::string& uid) {
  auto at = pods_.find(uid);
  if (at == pods_.end()) return;
  leave(at->second);
  pods_.erase(at);
}

void SchedulingQueue::flush(MonoTime now) {
  for (auto* list : {&back_off_, &unschedulable_}) {
    while (!list->empty() && list->begin()->first <= now) {
      activate(pods_.at(list->begin()->second), now);
    }
  }
}

PodPtr SchedulingQueue::pop(MonoTime now) {
  flush(now);
  if (active_.empty()) return nullptr;
  Entry& entry = pods_.at(active_.begin()->uid);
  leave(entry);
  ++entry.attempts;
  return entry.pod;
}

void SchedulingQueue::add_unschedulable(const PodPtr& pod, bool node_local, MonoTime now) {
  auto at = pods_.find(pod->uid);
  if (at == pods_.end() || at->second.place != Place::kPopped) return;  // deleted meanwhile
  Entry& entry = at->second;
  entry.last_failure = now;
  entry.node_local = node_local;
  if (entry.pod != pod) {  // changed meanwhile: that may help
    if (entry.pod->gated)
      entry.place = Place::kGated;
    else
      activate(entry, now);
    return;
  }
  entry.place = Place::kUnschedulable;
  entry.due = now + options_.flush_after;
  unschedulable_.emplace(entry.due, pod->uid);
}

void SchedulingQueue::add_after_back_off(const PodPtr& pod, MonoTime now) {
  auto at = pods_.find(pod->uid);
  if (at == pods_.end() || at->second.place != Place::kPopped) return;
  at->second.last_failure = now;
  activate(at->second, now);
}

void SchedulingQueue::wake(MonoTime now, const Helps& helps) {
  std::vector<Entry*> woken;
  for (const auto& [due, uid] : unschedulable_) {
    Entry& entry = pods_.at(uid);
    if (helps(*entry.pod, entry.node_local)) woken.push_back(&entry);
  }
  for (Entry* entry : woken) activate(*entry, now);
}

std::optional<MonoTime> SchedulingQueue::next_due() const {
  std::optional<MonoTime> due;
  for (const auto* list : {&back_off_, &unschedulable_}) {
    if (list->empty()) continue;
    if (!due || list->begin()->first < *due) due = list->begin()->first;
  }
  return due;
}

}  // namespace tiphys::scheduler
