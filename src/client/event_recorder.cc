#include "client/event_recorder.h"

#include "async/channel.h"
#include "base/log.h"
#include "client/event_correlator.h"
#include "client/object_key.h"
#include "codec/codec.h"
#include "kinds/core_v1.h"

namespace tiphys::client {

namespace {

constexpr int kMaxTries = 12;
constexpr Duration kLastWrites = std::chrono::seconds(2);  // at stop
constexpr Duration kRetryAfter = std::chrono::seconds(10);
constexpr size_t kMaxMessage = 1024;

struct Recorded {
  ObjectPtr event;  // all but name and counts
  EventKey key;
  MicroTime when = 0;
};

const schema::Resource& events_resource() {
  static const schema::Resource* const resource = schema::find_resource("", "v1", "events");
  return *resource;
}

std::string hex_nanos(MicroTime when, uint64_t salt) {
  char text[32];
  std::snprintf(text, sizeof text, "%llx",
                static_cast<unsigned long long>(static_cast<uint64_t>(when) * 1000 + salt % 1000));
  return text;
}

// At most kMaxMessage bytes, cut between characters.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kMaxMessage) return text;
  size_t end = kMaxMessage;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void tell_of_drops(std::optional<int64_t> count, std::string_view why, std::string_view reason) {
  if (count) LOG_WARNING("Events dropped", {"why", why}, {"count", *count}, {"last", reason});
}

}  // namespace

struct EventRecorder::Impl {
  Impl(Loop& l, Client& c, Random& r, std::string h, size_t most)
      : loop(l), client(c), random(r), host(std::move(h)), gate(l), queue(l, most) {}
  ObjectPtr describe(const Object& about, std::string_view type, std::string_view reason,
                     std::string_view message, std::string_view field_path,
                     std::string_view component) const;
  Task<void> run();
  Task<void> write(Recorded recorded);
  Task<Result<ObjectPtr>> send(ObjectPtr event, EventVerdict verdict, MicroTime when);
  Task<Result<ObjectPtr>> create(ObjectPtr event, EventVerdict verdict, MicroTime when);
  Task<Result<ObjectPtr>> count(std::string ns, EventVerdict verdict, MicroTime when);

  Loop& loop;
  Client& client;
  Random& random;
  std::string host;
  Gate gate;
  StopSource stop;
  Channel<Recorded> queue;
  EventCorrelator correlator;
  bool started = false;
  MonoTime end{0};  // of writing, once stopped
  DropCount crowded_out;
  DropCount undelivered;
};

ObjectPtr EventRecorder::Impl::describe(const Object& about, std::string_view type,
                                        std::string_view reason, std::string_view message,
                                        std::string_view field_path,
                                        std::string_view component) const {
  meta_v1::ObjectMeta meta = metadata(about);
  Draft draft = core_v1::Event::make();
  core_v1::EventEdit event(draft);
  core_v1::ObjectReferenceEdit object = event.edit_involved_object();
  if (about.gvk()) {
    object.set_kind(about.gvk()->kind);
    object.set_api_version(about.gvk()->api_version());
  }
  object.set_namespace(meta.namespace_());
  object.set_name(meta.name());
  object.set_uid(meta.uid());
  object.set_resource_version(meta.resource_version());
  object.set_field_path(field_path);
  event.edit_metadata().set_name(meta.name());
  event.edit_metadata().set_namespace(meta.namespace_().empty() ? "default" : meta.namespace_());
  event.set_type(type);
  event.set_reason(reason);
  event.set_message(shortened(message));
  event.edit_source().set_component(component);
  event.edit_source().set_host(host);
  event.set_reporting_component(component);
  event.set_reporting_instance(host);
  return draft.freeze();
}

Task<Result<ObjectPtr>> EventRecorder::Impl::create(ObjectPtr event, EventVerdict verdict,
                                                    MicroTime when) {
  Draft draft(*event);
  core_v1::EventEdit edit(draft);
  std::string name(edit.view().metadata().name());
  edit.edit_metadata().set_name(name + "." + hex_nanos(when, random.next()));
  edit.set_message(verdict.message);
  edit.set_first_timestamp(verdict.first);
  edit.set_last_timestamp(when);
  edit.set_count(verdict.count);
  std::string ns(edit.view().metadata().namespace_());
  Result<ObjectPtr> created = co_await client.create(events_resource(), ns, draft.freeze());
  if (created && *created) {
    correlator.written(verdict, std::string(metadata(**created).name()));
  }
  co_return created;
}

Task<Result<ObjectPtr>> EventRecorder::Impl::count(std::string ns, EventVerdict verdict,
                                                   MicroTime when) {
  std::string body = "{\"count\":" + std::to_string(verdict.count) + ",\"lastTimestamp\":\"" +
                     format_rfc3339(when) + "\",\"message\":";
  codec::append_json_string(verdict.message, body);
  body += '}';
  return client.patch(events_resource(), std::move(ns), verdict.name, PatchType::kStrategic,
                      std::move(body));
}

Task<Result<ObjectPtr>> EventRecorder::Impl::send(ObjectPtr event, EventVerdict verdict,
                                                  MicroTime when) {
  if (verdict.kind == EventVerdict::Kind::kCount) {
    std::string ns(metadata(*event).namespace_());
    Result<ObjectPtr> counted = co_await count(ns, verdict, when);
    if (counted || !counted.error().is_not_found()) co_return counted;
    correlator.forget(verdict);
    verdict.count = 1;
    verdict.first = when;
  }
  Result<ObjectPtr> created = co_await create(event, verdict, when);
  co_return created;
}

// Tries while the server can't be reached; any answer of the server is final, as in client-go.
Task<void> EventRecorder::Impl::write(Recorded recorded) {
  EventVerdict verdict = correlator.judge(recorded.key, recorded.when);
  if (verdict.kind == EventVerdict::Kind::kDrop) co_return;
  for (int i = 0; i < kMaxTries; ++i) {
    Result<ObjectPtr> sent = co_await send(recorded.event, verdict, recorded.when);
    if (sent) co_return;
    if (sent.error().code() < 500) {
      LOG_V(2, "Event refused", {"reason", recorded.key.reason}, {"err", sent.error()});
      co_return;
    }
    bool go_on = co_await sleep_for(loop, kRetryAfter, stop.token());
    if (!go_on) co_return;
  }
  tell_of_drops(undelivered.dropped(loop.mono()), "the server can't be reached",
                recorded.key.reason);
}

Task<void> EventRecorder::Impl::run() {
  while (true) {
    std::optional<Recorded> recorded = co_await queue.pop(stop.token());
    if (!recorded) co_return;
    if (stop.stop_requested() && loop.mono() > end) co_return;
    co_await write(std::move(*recorded));
  }
}

EventRecorder::EventRecorder(Loop& loop, Client& client, Random& random, std::string host,
                             size_t max_queued)
    : impl_(std::make_unique<Impl>(loop, client, random, std::move(host), max_queued)) {}
EventRecorder::~EventRecorder() = default;

void EventRecorder::record(const Object& about, std::string_view type, std::string_view reason,
                           std::string_view message, std::string_view field_path,
                           std::string_view component) {
  Recorded recorded;
  if (component.empty()) component = impl_->client.component();
  recorded.event = impl_->describe(about, type, reason, message, field_path, component);
  core_v1::ObjectReference object = core_v1::Event(*recorded.event).involved_object();
  for (std::string_view part :
       {component, object.kind(), object.namespace_(), object.name(), object.uid(), field_path}) {
    recorded.key.object += part;
    recorded.key.object += '\n';
  }
  recorded.key.type = type;
  recorded.key.reason = reason;
  recorded.key.message = core_v1::Event(*recorded.event).message();
  recorded.when = impl_->loop.wall();
  if (!impl_->queue.try_push(std::move(recorded))) {
    tell_of_drops(impl_->crowded_out.dropped(impl_->loop.mono()), "too many are waiting", reason);
    return;
  }
  if (!std::exchange(impl_->started, true)) impl_->gate.spawn(impl_->run());
}

Task<void> EventRecorder::stop() {
  impl_->end = impl_->loop.mono() + kLastWrites;
  impl_->queue.close();
  impl_->stop.request_stop();
  co_await impl_->gate.close();
}

}  // namespace tiphys::client
