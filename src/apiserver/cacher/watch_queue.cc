#include "apiserver/cacher/watch_queue.h"

namespace tiphys::apiserver {

std::string_view watch_event_type(WatchEvent::Type type) {
  switch (type) {
    case WatchEvent::Type::kAdded:
      return "ADDED";
    case WatchEvent::Type::kModified:
      return "MODIFIED";
    case WatchEvent::Type::kDeleted:
      return "DELETED";
    case WatchEvent::Type::kBookmark:
      return "BOOKMARK";
  }
  return "";
}

WatchQueue::WatchQueue(Loop& loop, WatchSource& source, WatchOptions options, WatchStart start)
    : source_(&source),
      options_(std::move(options)),
      start_(std::move(start)),
      initial_end_due_(options_.initial_state && options_.initial_events_end),
      ready_(loop) {
  if (!options_.ns.empty()) scope_ = options_.ns + "/" + options_.name;
  if (something_is_left()) ready_.set();
}

WatchQueue::~WatchQueue() {
  if (source_) source_->forget(this);
}

// A name without a namespace is looked for at the end of the key.
bool WatchQueue::in_scope(std::string_view key) const {
  if (!scope_.empty()) return options_.name.empty() ? key.starts_with(scope_) : key == scope_;
  if (options_.name.empty()) return true;
  return key.substr(key.find('/') + 1) == options_.name;
}

bool WatchQueue::matches(const ObjectPtr& object) const {
  return object && (!options_.predicate || options_.predicate(*object));
}

std::optional<WatchEvent> WatchQueue::translate(const CacheEvent& event) const {
  if (!in_scope(event.key) || event.revision <= options_.after) return std::nullopt;
  bool now = matches(event.object);
  bool before = matches(event.previous);
  if (!now && !before) return std::nullopt;
  WatchEvent out;
  out.revision = event.revision;
  out.previous = event.previous;
  out.type = !before ? WatchEvent::Type::kAdded
             : now   ? WatchEvent::Type::kModified
                     : WatchEvent::Type::kDeleted;
  out.object = now ? event.object : event.gone();
  return out;
}

bool WatchQueue::something_is_left() const {
  return initial_sent_ < start_.initial.size() || initial_end_due_ ||
         backlog_sent_ < start_.backlog.size() || !queue_.empty();
}

std::optional<WatchEvent> WatchQueue::next_initial() {
  WatchEvent event;
  if (initial_sent_ < start_.initial.size()) {
    event.object = std::move(start_.initial[initial_sent_++]);
    event.revision = start_.initial_revision;
    if (initial_sent_ == start_.initial.size()) std::vector<ObjectPtr>().swap(start_.initial);
    if (start_.initial.empty()) initial_sent_ = 0;
    return event;
  }
  if (!initial_end_due_ || !source_) return std::nullopt;
  initial_end_due_ = false;
  event.type = WatchEvent::Type::kBookmark;
  event.revision = start_.initial_revision;
  event.object = source_->make_bookmark(event.revision, true);
  return event;
}

std::optional<WatchEvent> WatchQueue::next_of_backlog() {
  while (backlog_sent_ < start_.backlog.size()) {
    CacheEventPtr event = std::move(start_.backlog[backlog_sent_++]);
    if (auto out = translate(*event)) return out;
  }
  std::vector<CacheEventPtr>().swap(start_.backlog);
  backlog_sent_ = 0;
  return std::nullopt;
}

std::optional<WatchEvent> WatchQueue::try_next() {
  std::optional<WatchEvent> event = next_initial();
  if (!event) event = next_of_backlog();
  if (!event && !queue_.empty()) {
    event = std::move(queue_.front());
    queue_.pop_front();
  }
  if (!something_is_left() && !ended_) ready_.reset();
  return event;
}

Task<std::optional<WatchEvent>> WatchQueue::next(StopToken stop) {
  for (;;) {
    if (auto event = try_next()) co_return event;
    if (ended_) co_return std::nullopt;
    bool woken = co_await ready_.wait(stop);
    if (!woken) co_return std::nullopt;
  }
}

std::optional<WatchEvent> WatchQueue::bookmark() {
  if (!source_ || ended_ || something_is_left() || source_->revision() < options_.after) {
    return std::nullopt;
  }
  WatchEvent event;
  event.type = WatchEvent::Type::kBookmark;
  event.revision = source_->revision();
  event.object = source_->make_bookmark(event.revision, false);
  return event;
}

void WatchQueue::push(WatchEvent event) {
  if (queue_.size() >= kMaxQueuedEvents) {
    // Too slow: it must not hold memory. What it was sent is complete up to where it stands.
    queue_.clear();
    start_ = {};
    initial_sent_ = backlog_sent_ = 0;
    initial_end_due_ = false;
    return end();
  }
  queue_.push_back(std::move(event));
  ready_.set();
}

void WatchQueue::offer(const CacheEventPtr& event) {
  if (ended_) return;
  if (auto out = translate(*event)) push(std::move(*out));
}

void WatchQueue::offer_bookmark() {
  if (!options_.bookmarks) return;
  if (auto event = bookmark()) push(std::move(*event));
}

void WatchQueue::end() {
  ended_ = true;
  ready_.set();
}

void WatchQueue::detach() {
  end();
  initial_end_due_ = false;
  source_ = nullptr;
}

}  // namespace tiphys::apiserver
