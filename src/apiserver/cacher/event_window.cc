#include "apiserver/cacher/event_window.h"

#include "apiserver/cacher/pending_object.h"

namespace tiphys::apiserver {

namespace {
size_t held(const CacheEvent& event) { return event.previous ? event.previous->memory() : 0; }
}  // namespace

const ObjectPtr& CacheEvent::gone() const {
  if (!gone_ && previous) gone_ = with_resource_version(*previous, revision);
  return gone_;
}

void CacheEvent::drop_encodings() const {
  for (const Object* held_object : {previous.get(), gone_.get()}) {
    if (!held_object) continue;
    held_object->encoding_slot(0).reset();
    held_object->encoding_slot(1).reset();
  }
}

void EventWindow::drop_encodings() {
  for (auto& event : events_) event->drop_encodings();
}

void EventWindow::reset(storage::Revision revision) {
  events_.clear();
  bytes_ = 0;
  start_ = revision;
}

void EventWindow::add(CacheEventPtr event) {
  MonoTime now = event->at;
  bytes_ += held(*event);
  events_.push_back(std::move(event));
  while (too_large(now)) drop_oldest();
}

bool EventWindow::too_large(MonoTime now) const {
  if (events_.size() <= 1) return false;
  if (events_.size() > kMaxWindowEvents || bytes_ > kMaxWindowBytes) return true;
  return events_.size() > kMinWindowEvents && now - events_.front()->at > kWindowAge;
}

void EventWindow::drop_oldest() {
  start_ = events_.front()->revision;
  // A transaction's changes share a revision: drop all of it.
  while (!events_.empty() && events_.front()->revision <= start_) {
    bytes_ -= held(*events_.front());
    events_.pop_front();
  }
}

}  // namespace tiphys::apiserver
