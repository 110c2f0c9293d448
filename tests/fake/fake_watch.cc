#include "tests/fake/fake_watch.h"

#include "base/strings.h"
#include "client/object_key.h"
#include "kinds/core_v1.h"

namespace tiphys::fake {

using client::metadata;

namespace {

bool label_term(std::string_view term, const meta_v1::ObjectMeta& meta) {
  auto labels = meta.labels();
  if (term.starts_with('!')) return !labels.contains(term.substr(1));
  if (size_t at = term.find("!="); at != term.npos) {
    return labels.find(term.substr(0, at)) != term.substr(at + 2);
  }
  size_t at = term.find('=');
  if (at == term.npos) return labels.contains(term);
  std::string_view value = term.substr(at + 1);
  if (value.starts_with('=')) value.remove_prefix(1);
  return labels.contains(term.substr(0, at)) && labels.find(term.substr(0, at)) == value;
}

bool field_term(std::string_view term, const Object& object) {
  bool negated = term.find("!=") != term.npos;
  size_t at = term.find(negated ? "!=" : "=");
  if (at == term.npos) return false;
  std::vector<std::string_view> path = split(term.substr(0, at), '.');
  std::string_view value = term.substr(at + (negated ? 2 : 1));
  std::string_view actual;
  if (path.size() == 2) {
    actual = schema::find_path(object.type(), object.root(), {path[0], path[1]}).as_text();
  }
  return (actual == value) != negated;
}

}  // namespace

bool Selection::matches(const Object& object) const {
  meta_v1::ObjectMeta meta = metadata(object);
  if (!ns.empty() && meta.namespace_() != ns) return false;
  for (std::string_view term : split(labels, ',')) {
    if (!term.empty() && !label_term(term, meta)) return false;
  }
  for (std::string_view term : split(fields, ',')) {
    if (!term.empty() && !field_term(term, object)) return false;
  }
  return true;
}

FakeWatch::FakeWatch(FakeApi& api, Selection selection, int64_t from, bool initial)
    : api_(api), selection_(std::move(selection)), position_(0), changed_(api.loop_) {
  for (const Change& change : api_.store().history()) {
    if (change.revision > from) break;
    ++position_;
    if (change.resource != selection_.resource) continue;
    meta_v1::ObjectMeta meta = metadata(*change.event.object);
    FakeStore::Key key{std::string(meta.namespace_()), std::string(meta.name())};
    bool there = change.event.type != client::WatchEvent::Type::kDeleted &&
                 selection_.matches(*change.event.object);
    if (there) {
      shown_.insert(key);
    } else {
      shown_.erase(key);
    }
  }
  if (initial) tell_initial(from);
  api_.watches_.insert(this);
}

void FakeWatch::tell_initial(int64_t revision) {
  for (const auto& [key, object] : api_.store().objects(*selection_.resource)) {
    if (selection_.matches(*object)) initial_.push_back({.object = object, .error = {}});
  }
  const schema::Kind& kind = *selection_.resource->type;
  Draft draft(*kind.message, &kind.gvk);
  meta_v1::ObjectMetaEdit meta = client::edit_metadata(draft);
  meta.set_resource_version(std::to_string(revision));
  meta.edit_annotations().set("k8s.io/initial-events-end", "true");
  initial_.push_back(
      {.type = client::WatchEvent::Type::kBookmark, .object = draft.freeze(), .error = {}});
}

FakeWatch::~FakeWatch() { api_.watches_.erase(this); }

std::optional<client::WatchEvent> FakeWatch::take() {
  if (!initial_.empty()) {
    client::WatchEvent event = std::move(initial_.front());
    initial_.pop_front();
    return event;
  }
  const std::vector<Change>& history = api_.store().history();
  while (position_ < history.size()) {
    const Change& change = history[position_++];
    if (change.resource->group != selection_.resource->group ||
        change.resource->resource != selection_.resource->resource) {
      continue;
    }
    meta_v1::ObjectMeta meta = metadata(*change.event.object);
    FakeStore::Key key{std::string(meta.namespace_()), std::string(meta.name())};
    bool known = shown_.contains(key);
    bool there = change.event.type != client::WatchEvent::Type::kDeleted &&
                 selection_.matches(*change.event.object);
    if (!known && !there) continue;
    client::WatchEvent event = change.event;
    event.type = !there  ? client::WatchEvent::Type::kDeleted
                 : known ? client::WatchEvent::Type::kModified
                         : client::WatchEvent::Type::kAdded;
    if (there) {
      shown_.insert(key);
    } else {
      shown_.erase(key);
    }
    return event;
  }
  return std::nullopt;
}

Task<Result<std::optional<client::WatchEvent>>> FakeWatch::next(StopToken stop) {
  while (true) {
    if (broken_) co_return ApiStatus::service_unavailable("connection reset by peer");
    std::optional<client::WatchEvent> event = take();
    if (event) {
      if (api_.watch_lag() > Duration::zero()) {
        bool slept = co_await sleep_for(api_.loop_, api_.watch_lag(), stop);
        if (!slept) co_return std::optional<client::WatchEvent>();
      }
      co_return std::optional<client::WatchEvent>(std::move(event));
    }
    changed_.reset();
    bool woken = co_await changed_.wait(stop);
    if (!woken) co_return std::optional<client::WatchEvent>();
  }
}

}  // namespace tiphys::fake
