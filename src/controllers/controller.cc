#include "controllers/controller.h"

#include "base/log.h"
#include "controllers/controller_names.h"

namespace tiphys::controllers {

namespace {

// A cache that lags wakes the key by its events; this only covers events that were never told.
constexpr Duration kLookForOwnWrites = std::chrono::seconds(1);
constexpr size_t kMaxAtOnce = 256;

bool namespace_terminates(const ApiStatus& error) {
  for (const StatusCause& cause : error.data().details.causes) {
    if (cause.reason == "NamespaceTerminating") return true;
  }
  return error.code() == 403 &&
         error.message().find("because it is being terminated") != std::string::npos;
}

bool forgiven(const Action& action, const ApiStatus& error) {
  switch (action.verb) {
    case Action::Verb::kCreate:
      return (action.exists_is_fine && error.is_already_exists()) ||
             (action.terminating_is_fine && namespace_terminates(error));
    case Action::Verb::kUpdate:
    case Action::Verb::kPatch:
    case Action::Verb::kDelete:
      return action.missing_is_fine && error.is_not_found();
    case Action::Verb::kVerify:
    case Action::Verb::kNote:
      return false;
  }
  return false;
}

}  // namespace

Controller::Controller(Context context, std::string name, int workers,
                       client::WorkQueue::BackOff back_off)
    : context_(context),
      event_source_(name),
      name_(std::move(name)),
      workers_(workers),
      queue_(context.loop, back_off),
      pending_(context.loop),
      gate_(context.loop) {
  queue_.count(context.metrics.queue, queue_name_of(name_));
}

Controller::~Controller() = default;

client::Informer& Controller::watch(const schema::Resource& resource) {
  client::Informer& informer = context_.informers.informer(resource);
  watched_.emplace(&resource, &informer);
  return informer;
}

void Controller::enqueue_changes(client::Informer& informer) {
  informer.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { enqueue(now ? *now : *old); });
}

void Controller::start() { gate_.spawn(run()); }

Task<void> Controller::stop() {
  stop_.request_stop();
  queue_.shut_down();
  co_await gate_.close();
}

Task<void> Controller::run() {
  co_await prepare(stop_.token());
  std::vector<client::Informer*> informers;
  for (auto& [resource, informer] : watched_) informers.push_back(informer);
  for (client::Informer* informer : informers) {
    bool synced = co_await informer->wait_for_sync(stop_.token());
    if (!synced) co_return;
  }
  LOG_V(2, "Controller started", {"controller", name_});
  ready();
  for (int i = 0; i < workers_; ++i) gate_.spawn(work());
}

Task<void> Controller::work() {
  while (true) {
    std::optional<std::string> key = co_await queue_.get();
    if (!key) co_return;
    ++busy_;
    co_await process(*key);
    --busy_;
    queue_.done(*key);
    co_await yield(context_.loop);
  }
}

Task<void> Controller::process(std::string key) {
  if (!pending_.seen(key)) {
    queue_.add_after(key, kLookForOwnWrites);
    co_return;
  }
  MonoTime begin = context_.loop.mono();
  Result<void> result = co_await sync(key);
  if (stop_.stop_requested()) co_return;
  round_over(key, context_.loop.mono() - begin, result ? nullptr : &result.error());
  if (result) {
    queue_.forget(key);
    co_return;
  }
  // Time alone gives it no rights: an administrator has to know.
  if (result.error().reason() == "Forbidden") {
    LOG_ERROR("Not allowed", {"controller", name_}, {"key", key}, {"err", result.error()});
  } else {
    LOG_V(2, "Trying again", {"controller", name_}, {"key", key}, {"err", result.error()});
  }
  queue_.add_rate_limited(key);
}

Task<Result<void>> Controller::sync(std::string key) {
  Decision decision = reconcile(key, context_.loop.wall());
  decided(key, decision);
  if (decision.look_again) queue_.add_after(key, *decision.look_again);
  if (decision.actions.empty()) co_return Result<void>();
  Result<void> done = co_await execute(key, std::move(decision.actions));
  co_return done;
}

Task<Result<void>> Controller::execute(std::string key, std::vector<Action> actions) {
  std::map<int, std::vector<Action>> batches;
  for (Action& action : actions) batches[action.batch].push_back(std::move(action));
  for (auto& [number, batch] : batches) {
    Batch work{.actions = batch, .next = 0, .error = {}};
    Gate lanes(context_.loop);
    size_t count = std::min(kMaxAtOnce, batch.size());
    for (size_t i = 0; i < count; ++i) lanes.spawn(carry_out(key, &work));
    co_await lanes.close();
    if (work.error) co_return std::move(*work.error);
    if (stop_.stop_requested()) co_return ApiStatus::stopped();
  }
  co_return Result<void>();
}

// One of several that take the actions of a batch in turn; each begins at least one that is left.
// `work` outlives the call: it stands in execute()'s frame.
Task<void> Controller::carry_out(std::string key, Batch* work) {
  bool go_on = true;
  while (go_on && work->next < work->actions.size()) {
    std::optional<ApiStatus> error;
    size_t at = work->next++;
    co_await run_action(key, std::move(work->actions[at]), &error);
    if (error && !work->error) work->error = std::move(error);
    go_on = !work->error && !stop_.stop_requested();
  }
}

Task<Result<ObjectPtr>> Controller::send(const Action& action) {
  meta_v1::ObjectMeta meta;
  if (action.object) meta = metadata(*action.object);
  std::string ns(meta.namespace_());
  std::string name(meta.name());
  switch (action.verb) {
    case Action::Verb::kCreate:
      return context_.client.create(*action.resource, ns, action.object);
    case Action::Verb::kUpdate:
      return context_.client.update(*action.resource, action.object, action.subresource);
    case Action::Verb::kPatch:
      return context_.client.patch(*action.resource, ns, name, action.patch_type, action.patch,
                                   action.subresource);
    case Action::Verb::kDelete: {
      client::DeleteOptions options;
      options.uid = meta.uid();
      options.propagation_policy = action.propagation_policy;
      options.grace_period_seconds = action.grace_seconds;
      return context_.client.remove(*action.resource, ns, name, std::move(options));
    }
    case Action::Verb::kVerify:
    case Action::Verb::kNote:
      break;
  }
  return context_.client.get(*action.resource, ns, name);
}

void Controller::tell(const Action& action, const Result<ObjectPtr>& result) {
  const std::optional<Note>& note = result ? action.success : action.failure;
  if (!note) return;
  std::string message = note->message;
  bool named = action.name_in_message &&
               (action.verb == Action::Verb::kCreate || action.verb == Action::Verb::kDelete);
  if (!result) message += result.error().message();
  if (result && named) {
    // A deletion may be answered with a Status; the name is the one that was asked for.
    const Object& object =
        action.verb == Action::Verb::kCreate && *result ? **result : *action.object;
    message += metadata(object).name();
  }
  context_.events.record(*note->about, note->type, note->reason, message, {}, event_source_);
}

void Controller::note_write(const std::string& key, const Action& action, const ObjectPtr& result) {
  auto watched = watched_.find(action.resource);
  if (watched == watched_.end()) return;
  if (action.verb == Action::Verb::kDelete) {
    pending_.deleted(key, *watched->second, *action.object);
  } else if (action.verb != Action::Verb::kVerify && result) {
    pending_.wrote(key, *watched->second, *result);
  }
}

Task<void> Controller::run_action(std::string key, Action action, std::optional<ApiStatus>* error) {
  if (action.verb == Action::Verb::kNote) {
    if (action.success) tell(action, ObjectPtr());
    co_return;
  }
  Result<ObjectPtr> result = co_await send(action);
  if (result && action.verb == Action::Verb::kVerify && *result) {
    bool alive = metadata(**result).uid() == metadata(*action.object).uid() &&
                 !metadata(**result).has_deletion_timestamp();
    if (!alive) {
      result = ApiStatus::conflict(action.resource->group, action.resource->resource,
                                   metadata(*action.object).name(), "it is being deleted or gone");
    }
  }
  if (result) {
    note_write(key, action, *result);
    tell(action, result);
    outcome(key, action, nullptr);
    co_return;
  }
  if (forgiven(action, result.error())) {
    outcome(key, action, nullptr);
    co_return;
  }
  if (!stop_.stop_requested()) tell(action, result);
  outcome(key, action, &result.error());
  *error = result.error();
}

}  // namespace tiphys::controllers
