#include "storage/mvcc/watch_hub.h"

#include "storage/mvcc/errors.h"

namespace tiphys::storage::mvcc {

struct WatchHub::Watcher {
  std::string prefix;
  Revision next = 0;  // the first revision not delivered yet
  Store::BatchCallback on_batch;
  Store::FailedCallback on_failed;
  bool with_previous = false;
  bool live = false;  // gets commits from publish(); else catch_up() is running
  bool closed = false;
  bool progress = false;  // asked for

  bool wants(const storage::Event& event) const {
    return event.item.mod_revision >= next && event.item.key.starts_with(prefix);
  }
  void send(EventBatch batch) {
    next = std::max(next, batch.revision + 1);
    auto callback = on_batch;  // it may end this watch
    callback(std::move(batch));
  }
};

class WatchHub::Handle : public Watch {
 public:
  Handle(WatchHub& hub, WatcherPtr watcher) : hub_(hub), watcher_(std::move(watcher)) {}
  ~Handle() override { watcher_->closed = true; }
  void request_progress() override {
    bool asked = std::exchange(watcher_->progress, true);
    if (watcher_->closed || !watcher_->live || asked) return;
    hub_.loop_.post([hub = &hub_, watcher = watcher_] {
      if (!watcher->closed) hub->send_progress(watcher);
    });
  }

 private:
  WatchHub& hub_;
  WatcherPtr watcher_;
};

namespace {

size_t event_bytes(const storage::Event& event) {
  return sizeof event + event.item.key.size() + (event.item.value ? event.item.value->size() : 0);
}

storage::Event to_event(const Row& row) {
  storage::Event event;
  event.type = row.deletion() ? storage::Event::Type::kDelete : storage::Event::Type::kPut;
  if (row.deletion()) {
    event.item.key = row.key;
    event.item.mod_revision = revision_of(row.id);
  } else {
    event.item = to_key_value(row);
  }
  return event;
}

bool lacks_previous(const storage::Event& event) {
  return event.previous && !event.previous->value;
}

}  // namespace

WatchHub::WatchHub(Loop& loop, Backend& backend, Recovered recovered)
    : loop_(loop),
      backend_(backend),
      gate_(loop),
      revision_(recovered.revision),
      compacted_(recovered.compacted),
      window_start_(recovered.revision + 1) {}

WatchHub::~WatchHub() {
  for (auto& watcher : watchers_) watcher->closed = true;
}

std::unique_ptr<Watch> WatchHub::add(std::string prefix, Revision from,
                                     Store::BatchCallback on_batch, Store::FailedCallback on_failed,
                                     bool with_previous) {
  auto watcher = std::make_shared<Watcher>();
  watcher->prefix = std::move(prefix);
  watcher->next = from == 0 ? revision_ + 1 : from;
  watcher->on_batch = std::move(on_batch);
  watcher->on_failed = std::move(on_failed);
  watcher->with_previous = with_previous;
  watcher->live = watcher->next > revision_;
  prune();
  watchers_.push_back(watcher);
  if (!watcher->live) gate_.spawn(catch_up(watcher));
  return std::make_unique<Handle>(*this, watcher);
}

void WatchHub::prune() {
  std::erase_if(watchers_, [](const WatcherPtr& watcher) { return watcher->closed; });
}

bool WatchHub::wants_previous(std::string_view key) const {
  return std::ranges::any_of(watchers_, [key](const WatcherPtr& watcher) {
    return watcher->with_previous && watcher->live && key.starts_with(watcher->prefix);
  });
}

void WatchHub::publish(std::vector<storage::Event> events, Revision revision) {
  revision_ = revision;
  prune();
  auto watchers = watchers_;  // callbacks may add some: those start after this revision
  for (auto& watcher : watchers) {
    if (watcher->live && !watcher->closed) deliver_live(watcher, events);
  }
  remember(std::move(events));
}

void WatchHub::deliver_live(const WatcherPtr& watcher, const std::vector<storage::Event>& events) {
  EventBatch batch;
  batch.revision = revision_;
  for (auto& event : events) {
    if (!watcher->wants(event)) continue;
    if (watcher->with_previous && lacks_previous(event)) return fall_behind(watcher);
    batch.events.push_back(event);
    if (!watcher->with_previous) batch.events.back().previous.reset();
  }
  if (!batch.events.empty()) return watcher->send(std::move(batch));
  watcher->next = std::max(watcher->next, revision_ + 1);
}

void WatchHub::fall_behind(const WatcherPtr& watcher) {
  watcher->live = false;
  gate_.spawn(catch_up(watcher));
}

void WatchHub::send_progress(const WatcherPtr& watcher) {
  if (!watcher->live || !watcher->progress) return;
  watcher->progress = false;
  EventBatch batch;
  batch.revision = revision_;
  auto callback = watcher->on_batch;
  callback(std::move(batch));
}

void WatchHub::fail(const WatcherPtr& watcher, ApiStatus error) {
  watcher->closed = true;
  auto callback = watcher->on_failed;
  if (callback) callback(std::move(error));
}

void WatchHub::remember(std::vector<storage::Event> events) {
  for (auto& event : events) {
    event.previous.reset();
    event.item.attachment.reset();
    window_bytes_ += event_bytes(event);
    window_.push_back(std::move(event));
  }
  while (window_.size() > kWindowEvents || window_bytes_ > kWindowBytes) {
    window_start_ = window_.front().item.mod_revision + 1;
    window_bytes_ -= event_bytes(window_.front());
    window_.pop_front();
  }
  // Never begin in the middle of a transaction.
  while (!window_.empty() && window_.front().item.mod_revision < window_start_) {
    window_bytes_ -= event_bytes(window_.front());
    window_.pop_front();
  }
}

Task<void> WatchHub::catch_up(WatcherPtr watcher) {
  co_await yield(loop_);  // no callback before add() has returned
  while (!watcher->closed) {
    if (watcher->next > revision_) {
      watcher->live = true;
      send_progress(watcher);
      co_return;
    }
    if (watcher->next < compacted_) {
      fail(watcher, compacted_error());
      co_return;
    }
    if (watcher->next >= window_start_ && !watcher->with_previous) {
      replay_window(watcher);
      continue;
    }
    bool replayed = co_await replay_history(watcher);
    if (!replayed) co_return;
  }
}

void WatchHub::replay_window(const WatcherPtr& watcher) {
  auto revision_of_event = [](const storage::Event& event) { return event.item.mod_revision; };
  auto start = std::ranges::lower_bound(window_, watcher->next, {}, revision_of_event);
  EventBatch batch;
  batch.revision = revision_;
  for (auto it = start; it != window_.end(); ++it) {
    if (watcher->wants(*it)) batch.events.push_back(*it);
  }
  if (!batch.events.empty()) return watcher->send(std::move(batch));
  watcher->next = revision_ + 1;
}

Task<bool> WatchHub::replay_history(WatcherPtr watcher) {
  Revision from = watcher->next;
  auto history = co_await backend_.history(from, revision_, watcher->with_previous);
  if (watcher->closed) co_return false;
  if (!history || from < compacted_) {  // compaction may have taken rows while they were read
    fail(watcher, from < compacted_ ? compacted_error() : history.error());
    co_return false;
  }
  EventBatch batch;
  batch.revision = history->through;
  for (size_t i = 0; i < history->rows.size(); ++i) {
    auto event = to_event(history->rows[i]);
    if (!watcher->wants(event)) continue;
    if (watcher->with_previous && history->previous[i] && !history->previous[i]->deletion()) {
      event.previous = to_key_value(*history->previous[i]);
    }
    batch.events.push_back(std::move(event));
  }
  watcher->next = history->through + 1;
  if (!batch.events.empty()) watcher->send(std::move(batch));
  co_return true;
}

Task<void> WatchHub::stop() {
  for (auto& watcher : watchers_) watcher->closed = true;
  watchers_.clear();
  co_await gate_.close();
}

}  // namespace tiphys::storage::mvcc
