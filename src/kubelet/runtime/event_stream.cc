#include "kubelet/runtime/event_stream.h"

#include <algorithm>

#include "base/log.h"
#include "codec/codec.h"
#include "kinds/containerd_v1.h"
#include "kinds/cri_v1.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kFirstBackOff = std::chrono::milliseconds(200);
constexpr Duration kRefusedWithin = std::chrono::milliseconds(300);
constexpr Duration kLastBackOff = std::chrono::seconds(5);
constexpr std::string_view kUnimplemented = "Unimplemented";
constexpr int32_t kStoppedEvent = 2;  // CONTAINER_STOPPED_EVENT

}  // namespace

EventStream::EventStream(EpollLoop& loop, std::string socket)
    : loop_(loop), channel_(loop, "unix://" + socket), gate_(loop) {}

void EventStream::start(std::function<void(const std::string&)> on_exit) {
  on_exit_ = std::move(on_exit);
  gate_.spawn(run());
}

Task<void> EventStream::stop() {
  stop_.request_stop();
  co_await gate_.close();
  co_await channel_.stop();
}

// The server's head comes with its first event: a subscription that wasn't refused stands.
bool EventStream::live() const {
  return asked_at_ != MonoTime::zero() && loop_.mono() - asked_at_ > kRefusedWithin;
}

Task<void> EventStream::run() {
  Duration back_off = kFirstBackOff;
  while (!stop_.stop_requested()) {
    MonoTime start = loop_.mono();
    co_await read_events();
    asked_at_ = MonoTime::zero();
    if (loop_.mono() - start > kLastBackOff) back_off = kFirstBackOff;
    (void)co_await sleep_for(loop_, back_off, stop_.token());
    back_off = std::min(back_off * 2, kLastBackOff);
  }
}

Task<void> EventStream::read_events() {
  bool known =
      co_await read("/runtime.v1.RuntimeService/GetContainerEvents", "", &EventStream::handle_cri);
  if (known) co_return;
  Draft request(containerd_v1::SubscribeRequest::message());
  containerd_v1::SubscribeRequestEdit(request).edit_filters().append(
      "namespace==\"k8s.io\",topic==\"/tasks/exit\"");
  std::string bytes;
  codec::encode_protobuf(request.type(), request.root(), bytes);
  (void)co_await read("/containerd.services.events.v1.Events/Subscribe", bytes,
                      &EventStream::handle_containerd);
}

Task<bool> EventStream::read(std::string method, std::string request, Handler handler) {
  asked_at_ = loop_.mono();
  Result<std::unique_ptr<net::GrpcStream>> stream =
      co_await channel_.server_stream(method, request, stop_.token(), net::Headers());
  if (!stream) co_return stream.error().reason() != kUnimplemented;
  while (true) {
    Result<std::optional<std::string>> message = co_await (*stream)->next(stop_.token());
    if (!message) co_return message.error().reason() != kUnimplemented;
    if (!*message) co_return true;
    (this->*handler)(**message);
  }
}

void EventStream::handle_cri(const std::string& message) {
  Arena arena;
  Result<Node*> root =
      codec::decode_protobuf(message, cri_v1::ContainerEventResponse::message(), arena);
  if (!root) return;
  cri_v1::ContainerEventResponse event(**root);
  if (event.container_event_type() == kStoppedEvent) on_exit_(std::string(event.container_id()));
}

void EventStream::handle_containerd(const std::string& message) {
  Arena arena;
  Result<Node*> root = codec::decode_protobuf(message, containerd_v1::Envelope::message(), arena);
  if (!root) return;
  containerd_v1::Envelope envelope(**root);
  Result<Node*> body =
      codec::decode_protobuf(envelope.event().value(), containerd_v1::TaskExit::message(), arena);
  if (!body) return;
  containerd_v1::TaskExit exit(**body);
  // An exec's end has an id of its own.
  if (exit.container_id() == exit.id()) on_exit_(std::string(exit.container_id()));
}

}  // namespace tiphys::kubelet
