#include "client/reflector.h"

#include "base/log.h"
#include "client/object_store.h"

namespace tiphys::client {

namespace {

// A list that never ends would keep memory growing: upstream's lists of this size are refused too.
constexpr size_t kMaxListed = 10'000'000;
constexpr int64_t kPageSize = 500;
constexpr int64_t kMinWatchSeconds = 300;
// A watch that ends sooner than this without having told anything counts as a failure.
constexpr Duration kShortWatch = std::chrono::seconds(1);

// What a server says that doesn't know the question: of old, or with its gate off.
bool cant_stream(const ApiStatus& error) {
  return error.code() == 400 || error.code() == 405 || error.code() == 422;
}

// Takes an event of the initial ones. Error: it can't be one.
Result<void> take_initial(const WatchEvent& event, ObjectStore& state) {
  if (event.type == WatchEvent::Type::kError) {
    return event.error.value_or(ApiStatus::internal("the watch ended with an error"));
  }
  if (event.type == WatchEvent::Type::kBookmark) {
    return ApiStatus::method_not_allowed("the server does not stream the initial state");
  }
  if (!event.object) return ApiStatus::internal("an event without an object");
  if (event.type == WatchEvent::Type::kDeleted) {
    state.erase(metadata(*event.object).namespace_(), metadata(*event.object).name());
  } else {
    state.put(event.object);
  }
  if (state.size() > kMaxListed) return ApiStatus::internal("the list never ends");
  return {};
}

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
      streams_(std::exchange(selector_.send_initial_events, false)),
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

ListOptions Reflector::watch_options() {
  ListOptions options = selector_;
  options.timeout_seconds =
      kMinWatchSeconds +
      static_cast<int64_t>(random_.below(static_cast<uint64_t>(kMinWatchSeconds)));
  return options;
}

Task<Result<std::unique_ptr<WatchStream>>> Reflector::stream_all(StopToken stop) {
  ListOptions options = watch_options();
  options.send_initial_events = true;
  Result<std::unique_ptr<WatchStream>> stream =
      co_await client_.watch(resource_, ns_, std::move(options), stop);
  if (!stream) co_return stream;
  ObjectStore state;
  while (true) {
    Result<std::optional<WatchEvent>> event = co_await (*stream)->next(stop);
    if (!event) co_return event.error();
    if (!*event) co_return ApiStatus::internal("the watch ended before the state was told");
    if (is_initial_end(**event)) {
      target_.replace(state.list({}), std::string(metadata(*(*event)->object).resource_version()));
      co_return stream;
    }
    Result<void> taken = take_initial(**event, state);
    if (!taken) co_return taken.error();
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
  ListOptions options = watch_options();
  options.resource_version = target_.revision();
  Result<std::unique_ptr<WatchStream>> stream =
      co_await client_.watch(resource_, ns_, std::move(options), stop);
  if (stop.stop_requested()) co_return Outcome::kEnded;
  if (!stream) co_return classify(stream.error(), "Watch failed");
  Outcome outcome = co_await consume(std::move(*stream), stop);
  co_return outcome;
}

Task<Reflector::Outcome> Reflector::start_over(StopToken stop) {
  if (streams_) {
    Result<std::unique_ptr<WatchStream>> stream = co_await stream_all(stop);
    if (stop.stop_requested()) co_return Outcome::kEnded;
    if (stream) {
      Outcome outcome = co_await consume(std::move(*stream), stop);
      co_return outcome;
    }
    if (!cant_stream(stream.error())) co_return failed_list(stream.error());
    streams_ = false;
  }
  Result<void> listed = co_await list_all();
  if (!listed && !stop.stop_requested()) co_return failed_list(listed.error());
  co_return Outcome::kEnded;
}

Reflector::Outcome Reflector::failed_list(const ApiStatus& error) const {
  LOG_WARNING("List failed", {"resource", resource_.resource}, {"err", error});
  return Outcome::kRelist;
}

Task<void> Reflector::run(StopToken stop) {
  bool list = true;
  while (!stop.stop_requested()) {
    Outcome outcome;
    if (list) {
      outcome = co_await start_over(stop);
    } else {
      outcome = co_await watch_once(stop);
    }
    list = outcome == Outcome::kRelist;
    // A server that always answers 410 must not make this loop hot either.
    if (outcome != Outcome::kEnded) co_await pause(stop);
  }
}

}  // namespace tiphys::client
