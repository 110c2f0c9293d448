// StopSource and StopToken: asks work in progress to end. One loop's thread only.
//
// A default-constructed token never stops. Tokens share the state and may outlive the source.
// A child source stops when its parent token does.
#pragma once
#include <functional>
#include <memory>

namespace tiphys {

class StopToken;

namespace stop_detail {
// A registered callback, linked into its state's ring; alone when its neighbours are itself.
struct Node {
  Node* previous = this;
  Node* next = this;
  std::function<void()> callback;
  void unlink();
};
struct State {
  bool stopped = false;
  Node ring;  // the head: holds no callback
  ~State();
};
}  // namespace stop_detail

// Registration of a callback; unregisters when destroyed. Movable.
class StopCallback {
 public:
  StopCallback() = default;
  StopCallback(StopCallback&& other) noexcept = default;
  StopCallback& operator=(StopCallback&& other) noexcept;
  ~StopCallback() { reset(); }
  void reset();

 private:
  friend class StopToken;
  std::unique_ptr<stop_detail::Node> node_;
};

class StopToken {
 public:
  StopToken() = default;
  bool stop_requested() const { return state_ && state_->stopped; }
  // Calls back once when stop is requested; at once if it already was. The callback must not
  // destroy its own StopCallback's owner synchronously: post to the loop instead.
  [[nodiscard]] StopCallback on_stop(std::function<void()> callback) const;

 private:
  friend class StopSource;
  explicit StopToken(std::shared_ptr<stop_detail::State> state) : state_(std::move(state)) {}
  std::shared_ptr<stop_detail::State> state_;
};

class StopSource {
 public:
  StopSource() : state_(std::make_shared<stop_detail::State>()) {}
  explicit StopSource(const StopToken& parent);
  StopToken token() const { return StopToken(state_); }
  void request_stop();
  bool stop_requested() const { return state_->stopped; }

 private:
  std::shared_ptr<stop_detail::State> state_;
  StopCallback parent_;
};

}  // namespace tiphys
