// Lists of a ResourceCache: now, at a revision within the window, and older ones from the store.
#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/cacher/resource_cache.h"

namespace tiphys::apiserver {

namespace {

constexpr int64_t kStorePage = 1'000;

std::string scope_of(const ListQuery& query) { return query.ns.empty() ? "" : query.ns + "/"; }

}  // namespace

// Goes over the keys in order; where the overlay has a key, its state is the overlay's.
struct ResourceCache::Walk {
  Walk(const Objects& objects, const Objects& overlay, const std::string& start,
       std::string_view scope)
      : now_(objects.lower_bound(start)),
        now_end_(objects.end()),
        other_(overlay.lower_bound(start)),
        other_end_(overlay.end()),
        scope_(scope) {
    settle();
  }
  bool done() const { return key_ == nullptr; }
  const std::string& key() const { return *key_; }
  const ObjectPtr& object() const { return *object_; }
  void advance() {
    if (other_ != other_end_ && other_->first == *key_) {
      if (now_ != now_end_ && now_->first == *key_) ++now_;
      ++other_;
    } else {
      ++now_;
    }
    settle();
  }

 private:
  void settle() {
    bool has_now = now_ != now_end_ && now_->first.starts_with(scope_);
    bool has_other = other_ != other_end_ && other_->first.starts_with(scope_);
    bool from_other = has_other && (!has_now || other_->first <= now_->first);
    key_ = from_other ? &other_->first : has_now ? &now_->first : nullptr;
    object_ = from_other ? &other_->second : has_now ? &now_->second : nullptr;
  }
  Objects::const_iterator now_, now_end_, other_, other_end_;
  std::string_view scope_;
  const std::string* key_ = nullptr;
  const ObjectPtr* object_ = nullptr;
};

ListPage ResourceCache::walk(const ListQuery& query, const Objects& overlay) const {
  ListPage page;
  std::string scope = scope_of(query);
  Walk at(objects_.ordered(), overlay, std::max(scope, query.from), scope);
  auto full = [&] {
    return query.limit > 0 && static_cast<int64_t>(page.items.size()) >= query.limit;
  };
  for (; !at.done(); at.advance()) {
    if (!at.object()) continue;
    if (full()) break;
    if (query.predicate && !query.predicate(*at.object())) continue;
    page.items.push_back(at.object());
    page.next = at.key();
  }
  page.more = !at.done();
  if (!page.more) {
    page.next.clear();
    return page;
  }
  page.next += '\0';
  if (query.predicate) return page;
  for (page.remaining = 0; !at.done(); at.advance()) page.remaining += at.object() ? 1 : 0;
  return page;
}

std::optional<ApiStatus> ResourceCache::problem_in(const ListQuery& query) const {
  std::string scope = scope_of(query);
  auto it = problems_.lower_bound(std::max(scope, query.from));
  if (it == problems_.end() || !it->first.starts_with(scope)) return std::nullopt;
  return it->second;
}

Result<std::optional<ListPage>> ResourceCache::list(const ListQuery& query) const {
  Revision current = revision();
  Revision at = query.at == 0 ? current : query.at;
  if (at > current) return too_large_resource_version(at, current);
  if (auto problem = problem_in(query)) return *problem;
  Objects overlay;
  if (at < current) {
    bool kept = at >= store_.compacted() && window_.covers(at);  // none outlives its compaction
    if (!ready_ || !kept) return std::optional<ListPage>();
    window_.for_each_after_newest_first(at, [&](const CacheEventPtr& event) {
      overlay.insert_or_assign(event->key, event->previous);
    });
  }
  ListPage page = walk(query, overlay);
  page.revision = at;
  encodings_ = true;
  host_.encodings_used();
  return std::optional<ListPage>(std::move(page));
}

Task<Result<ListPage>> ResourceCache::list_exact(ListQuery query) {
  auto cached = list(query);
  if (!cached) co_return cached.error();
  if (*cached) co_return std::move(**cached);
  co_return co_await list_stored(std::move(query));
}

Task<Result<ListPage>> ResourceCache::list_stored(ListQuery query) {
  ListPage page;
  page.revision = query.at;
  std::string scope = prefix_ + scope_of(query);
  std::string from = prefix_ + query.from;
  int64_t step = query.limit > 0 && !query.predicate ? query.limit : kStorePage;
  for (bool more = true; more;) {
    auto range = co_await store_.range(scope, from, step, query.at);
    if (!range) co_return range.error();
    for (auto& item : range->items) {
      bool full = query.limit > 0 && static_cast<int64_t>(page.items.size()) >= query.limit;
      if (full) {
        page.more = true;
        co_return page;
      }
      auto object = decode_stored(resource_, item);
      if (!object) co_return object.error();
      if (query.predicate && !query.predicate(**object)) continue;
      page.items.push_back(std::move(*object));
      page.next = std::string(relative(item.key)) + '\0';
    }
    more = range->more;
    if (more) from = range->items.back().key + '\0';
    bool full = query.limit > 0 && static_cast<int64_t>(page.items.size()) >= query.limit;
    if (more && full && !query.predicate) {
      page.more = true;
      page.remaining = range->count - static_cast<int64_t>(range->items.size());
      co_return page;
    }
  }
  page.next.clear();
  co_return page;
}

ApiStatus too_large_resource_version(Revision requested, Revision current) {
  ApiStatus::Data data;
  data.code = 504;
  data.reason = "Timeout";
  data.message = "Timeout: Too large resource version: " + std::to_string(requested) +
                 ", current: " + std::to_string(current);
  data.has_details = true;
  data.details.retry_after_seconds = 1;
  data.details.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  return ApiStatus(std::move(data));
}

}  // namespace tiphys::apiserver
