#include "async/stop.h"

namespace tiphys {

namespace stop_detail {

void Node::unlink() {
  previous->next = next;
  next->previous = previous;
  previous = next = this;
}

State::~State() {
  while (ring.next != &ring) ring.next->unlink();
}

namespace {
void request(const std::shared_ptr<State>& kept) {
  std::shared_ptr<State> state = kept;  // a callback may drop the source and every token
  if (state->stopped) return;
  state->stopped = true;
  while (state->ring.next != &state->ring) {
    Node* node = state->ring.next;
    node->unlink();
    auto callback = std::move(node->callback);
    callback();
  }
}
}  // namespace

}  // namespace stop_detail

StopCallback& StopCallback::operator=(StopCallback&& other) noexcept {
  reset();
  node_ = std::move(other.node_);
  return *this;
}

void StopCallback::reset() {
  if (!node_) return;
  node_->unlink();
  node_.reset();
}

StopCallback StopToken::on_stop(std::function<void()> callback) const {
  StopCallback registration;
  if (!state_) return registration;
  if (state_->stopped) {
    callback();
    return registration;
  }
  registration.node_ = std::make_unique<stop_detail::Node>();
  stop_detail::Node& node = *registration.node_;
  stop_detail::Node& ring = state_->ring;
  node.callback = std::move(callback);
  node.previous = ring.previous;
  node.next = &ring;
  ring.previous->next = &node;
  ring.previous = &node;
  return registration;
}

StopSource::StopSource(const StopToken& parent) : StopSource() {
  // Held weakly: a child that nobody waits on any more must not live as long as its parent.
  std::weak_ptr<stop_detail::State> weak = state_;
  parent_ = parent.on_stop([weak] {
    if (auto state = weak.lock()) stop_detail::request(state);
  });
}

void StopSource::request_stop() { stop_detail::request(state_); }

}  // namespace tiphys
