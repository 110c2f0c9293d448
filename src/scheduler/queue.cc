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
      --unschedulable_;
      lines_.at(entry.kind).waiting.erase({entry.sequence, entry.pod->uid});
      drop_if_empty(entry.kind);
      break;
    case Place::kPopped:
    case Place::kGated:
      break;
  }
  entry.place = Place::kPopped;
}

// Into the active set, or into back-off while that lasts.
void SchedulingQueue::activate(Entry& entry, MonoTime now, std::string_view event) {
  leave(entry);
  if (entry.attempts == 0) entry.added = now;
  MonoTime due = entry.last_failure + back_off_of(entry.attempts);
  if (entry.attempts > 0 && due > now) {
    entry.place = Place::kBackOff;
    entry.due = due;
    back_off_.emplace(due, entry.pod->uid);
    count("backoff", event);
    return;
  }
  count("active", event);
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
    came_through(entry, now);  // what it is now needn't stand for its line
  }
  entry.pod = pod;
  settle(entry, now, added ? queue_event::kPodAdd : queue_event::kPodUpdate);
}

void SchedulingQueue::settle(Entry& entry, MonoTime now, std::string_view event) {
  if (entry.pod->gated) {
    entry.place = Place::kGated;
    count("unschedulable", event);
  } else {
    activate(entry, now, event);
  }
}

void SchedulingQueue::forget(const std::string& uid, MonoTime now) {
  auto at = pods_.find(uid);
  if (at == pods_.end()) return;
  leave(at->second);
  came_through(at->second, now);
  pods_.erase(at);
}

void SchedulingQueue::placed(const std::string& uid, MonoTime now) {
  auto at = pods_.find(uid);
  if (at != pods_.end()) came_through(at->second, now);
}

void SchedulingQueue::came_through(Entry& entry, MonoTime now) {
  if (!std::exchange(entry.woken, false)) return;
  Line& line = lines_.at(entry.kind);
  line.woken = false;
  wake_first(entry.kind, line, now);
}

void SchedulingQueue::came_back(Entry& entry, MonoTime now) {
  if (!std::exchange(entry.woken, false)) return;
  Line& line = lines_.at(entry.kind);
  line.woken = false;
  line.due = now + options_.flush_after;
  line_due_.emplace(line.due, entry.kind);
  drop_if_empty(entry.kind);
}

void SchedulingQueue::drop_if_empty(const std::string& kind) {
  auto at = lines_.find(kind);
  if (!at->second.waiting.empty() || at->second.woken) return;
  line_due_.erase({at->second.due, kind});
  lines_.erase(at);
}

// The first whose back-off is over; if there is none among the first few, the first.
void SchedulingQueue::wake_first(const std::string& kind, Line& line, MonoTime now) {
  if (line.waiting.empty()) return drop_if_empty(kind);
  Entry* chosen = &pods_.at(line.waiting.begin()->second);
  int looked = 0;
  for (const auto& [sequence, uid] : line.waiting) {
    Entry& entry = pods_.at(uid);
    if (++looked > kLookAhead) break;
    if (entry.last_failure + back_off_of(entry.attempts) > now) continue;
    chosen = &entry;
    break;
  }
  line_due_.erase({line.due, kind});
  line.woken = true;
  chosen->woken = true;
  activate(*chosen, now, line.event);
}

void SchedulingQueue::wake_line(const std::string& kind, MonoTime now, std::string_view event) {
  auto at = lines_.find(kind);
  if (at == lines_.end() || at->second.woken) return;
  at->second.event = event;
  wake_first(at->first, at->second, now);
}

void SchedulingQueue::flush(MonoTime now) {
  while (!back_off_.empty() && back_off_.begin()->first <= now) {
    activate(pods_.at(back_off_.begin()->second), now, queue_event::kBackoffComplete);
  }
  while (!line_due_.empty() && line_due_.begin()->first <= now) {
    std::string kind = line_due_.begin()->second;
    wake_line(kind, now, queue_event::kTimeout);
  }
}

PodPtr SchedulingQueue::pop(MonoTime now) {
  flush(now);
  if (active_.empty()) return nullptr;
  Entry& entry = pods_.at(active_.begin()->uid);
  leave(entry);
  ++entry.attempts;
  entry.changes = changes_;
  return entry.pod;
}

void SchedulingQueue::add_unschedulable(const PodPtr& pod, Rejection rejection, MonoTime now) {
  auto at = pods_.find(pod->uid);
  if (at == pods_.end() || at->second.place != Place::kPopped) return;  // deleted meanwhile
  Entry& entry = at->second;
  entry.last_failure = now;
  bool stands_for_line = entry.pod == pod && entry.kind == rejection.kind;
  stands_for_line ? came_back(entry, now) : came_through(entry, now);
  if (entry.pod != pod) return settle(entry, now, queue_event::kPodUpdate);  // that may help
  count("unschedulable", queue_event::kAttemptFailure);
  entry.place = Place::kUnschedulable;
  entry.kind = std::move(rejection.kind);
  Line& line = lines_[entry.kind];
  line.plugins = std::move(rejection.plugins);
  line.waiting.emplace(entry.sequence, pod->uid);
  ++unschedulable_;
  if (line.woken) return;
  line_due_.erase({line.due, entry.kind});
  line.due = now + options_.flush_after;
  line_due_.emplace(line.due, entry.kind);
  if (entry.changes != changes_) wake_line(entry.kind, now, last_event_);  // meanwhile
}

void SchedulingQueue::add_after_back_off(const PodPtr& pod, MonoTime now) {
  auto at = pods_.find(pod->uid);
  if (at == pods_.end() || at->second.place != Place::kPopped) return;
  at->second.last_failure = now;
  came_through(at->second, now);
  activate(at->second, now, queue_event::kAttemptFailure);
}

void SchedulingQueue::retry(const std::string& uid, MonoTime now) {
  auto at = pods_.find(uid);
  if (at == pods_.end() || at->second.place != Place::kUnschedulable) return;
  activate(at->second, now, queue_event::kForceActivate);
}

void SchedulingQueue::wake(MonoTime now, const Helps& helps, std::string_view event) {
  ++changes_;
  last_event_ = event;
  std::vector<std::string> helped;
  for (auto& [kind, line] : lines_) {
    if (line.waiting.empty() || line.woken) continue;  // whoever is on its way will see it
    const Entry& first = pods_.at(line.waiting.begin()->second);
    if (helps(*first.pod, line.plugins)) helped.push_back(kind);
  }
  for (const std::string& kind : helped) wake_line(kind, now, event);
}

size_t SchedulingQueue::gated() const {
  return static_cast<size_t>(std::ranges::count_if(
      pods_, [](const auto& entry) { return entry.second.place == Place::kGated; }));
}

SchedulingQueue::Tries SchedulingQueue::tries(const std::string& uid) const {
  auto at = pods_.find(uid);
  if (at == pods_.end()) return {};
  return {at->second.attempts, at->second.added};
}

std::optional<MonoTime> SchedulingQueue::next_due() const {
  std::optional<MonoTime> due;
  for (const auto* list : {&back_off_, &line_due_}) {
    if (list->empty()) continue;
    if (!due || list->begin()->first < *due) due = list->begin()->first;
  }
  return due;
}

}  // namespace tiphys::scheduler
