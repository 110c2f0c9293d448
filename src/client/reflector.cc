#include "client/reflector.h"

#include "base/log.h"

namespace tiphys::client {

namespace {

// A list that never ends would keep memory growing: upstream's lists of this size are refused too.
constexpr size_t kMaxListed = 10'000'000;
constexpr int64_t kPageSize = 500;
constexpr int64_t kMinWatchSeconds = 300;
// A watch that ends sooner than this without having told anything counts as a failure.
constexpr Duration kShortWatch = std::chrono::seconds(1);

bool needs_list(const ApiStatus& error) {
  return error.is_gone() || error.message().starts_with("Too large resource version");
}

}  // namespace

Reflector::Reflector(Loop& loop, Client& client, Random& random, const schema::Resource& resource,
                     ListOptions selector, std::string ns, ReflectorTarget& target)
    : loop_(loop),
      client_(client),
      random_(random),
      resource_(resource),
      selector_(std::move(selector)),
      ns_(std::move(ns)),
      target_(target),
      back_off_(random, BackOff::Options()) {}

Task<bool> Reflector::pause(StopToken stop) {
  return sleep_for(loop_, back_off_.next(loop_.mono()), std::move(stop));
}

// Pages of a consistent list: a new process must not act on less than its predecessor wrote.
Task<Result<void>> Reflector::list_all() {
  std::vector<ObjectPtr> objects;
  ListOptions options = selector_;
  options.limit = kPageSize;
  while (true) {
    Result<ListResult> page = co_await client_.list(resource_, ns_, options);
    if (!page) co_return page.error();
    for (ObjectPtr& object : page->items) objects.push_back(std::move(object));
    if (objects.size() > kMaxListed) co_return ApiStatus::internal("the list never ends");
    if (page->continue_token.empty()) {
      target_.replace(std::move(objects), std::move(page->resource_version));
      co_return Result<void>();
    }
    options.continue_token = std::move(page->continue_token);
  }
}

Reflector::Outcome Reflector::classify(const ApiStatus& error, std::string_view what) {
  if (needs_list(error)) {
    LOG_V(2, "Watch is too old, listing again", {"resource", resource_.resource}, {"err", error});
    return Outcome::kRelist;
  }
  LOG_WARNING(what, {"resource", resource_.resource}, {"err", error});
  return Outcome::kFailed;
}

Task<Reflector::Outcome> Reflector::consume(std::unique_ptr<WatchStream> stream, StopToken stop) {
  MonoTime started = loop_.mono();
  bool told = false;
  while (true) {
    Result<std::optional<WatchEvent>> event = co_await stream->next(stop);
    if (stop.stop_requested()) co_return Outcome::kEnded;
    if (!event) co_return classify(event.error(), "Watch broke");
    if (!*event) break;
    told = true;
    if ((*event)->type == WatchEvent::Type::kError) {
      ApiStatus why =
          (*event)->error.value_or(ApiStatus::internal("the watch ended with an error"));
      co_return classify(why, "Watch failed");
    }
    target_.apply(**event);
  }
  bool too_short = !told && loop_.mono() - started < kShortWatch;
  co_return too_short ? Outcome::kFailed : Outcome::kEnded;
}

Task<Reflector::Outcome> Reflector::watch_once(StopToken stop) {
  ListOptions options = selector_;
  options.resource_version = target_.revision();
  options.timeout_seconds =
      kMinWatchSeconds +
      static_cast<int64_t>(random_.below(static_cast<uint64_t>(kMinWatchSeconds)));
  Result<std::unique_ptr<WatchStream>> stream =
      co_await client_.watch(resource_, ns_, std::move(options), stop);
  if (stop.stop_requested()) co_return Outcome::kEnded;
  if (!stream) co_return classify(stream.error(), "Watch failed");
  Outcome outcome = co_await consume(std::move(*stream), stop);
  co_return outcome;
}

Task<void> Reflector::run(StopToken stop) {
  bool list = true;
  while (!stop.stop_requested()) {
    if (list) {
      Result<void> listed = co_await list_all();
      if (stop.stop_requested()) co_return;
      if (!listed) {
        LOG_WARNING("List failed", {"resource", resource_.resource}, {"err", listed.error()});
        co_await pause(stop);
        continue;
      }
      list = false;
    }
    Outcome outcome = co_await watch_once(stop);
    if (outcome == Outcome::kRelist) list = true;
    // A server that always answers 410 must not make this loop hot either.
    if (outcome != Outcome::kEnded) co_await pause(stop);
  }
}

}  // namespace tiphys::client
