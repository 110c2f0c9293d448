#include "net/request_body.h"

namespace tiphys::net {

class RequestBody::Stream : public BodyStream {
 public:
  explicit Stream(std::shared_ptr<RequestBody> body) : body_(std::move(body)) {}
  ~Stream() override { body_->drop(); }
  Task<Result<Bytes>> next(StopToken stop) override { return take(body_, std::move(stop)); }

 private:
  static Task<Result<Bytes>> take(std::shared_ptr<RequestBody> body, StopToken stop) {
    while (body->buffer_.empty()) {
      if (body->error_) co_return *body->error_;
      if (body->over_) co_return Bytes();
      body->readable_.reset();
      bool ready = co_await body->readable_.wait(stop);
      if (!ready) co_return ApiStatus::stopped();
    }
    auto chunk = std::make_shared<const std::string>(std::exchange(body->buffer_, std::string()));
    body->took(chunk->size());
    co_return chunk;
  }

  std::shared_ptr<RequestBody> body_;
};

std::unique_ptr<BodyStream> RequestBody::stream(std::shared_ptr<RequestBody> body) {
  return std::make_unique<Stream>(std::move(body));
}

void RequestBody::push(std::string_view bytes) {
  if (dropped_) return took(bytes.size());
  buffer_ += bytes;
  readable_.set();
}

void RequestBody::end() {
  over_ = true;
  readable_.set();
}

void RequestBody::fail(ApiStatus why) {
  if (over_) return;
  error_ = std::move(why);
  end();
}

void RequestBody::drop() {
  dropped_ = true;
  size_t left = std::exchange(buffer_, std::string()).size();
  if (left > 0) took(left);
}

void RequestBody::took(size_t bytes) {
  if (on_taken) on_taken(bytes);
}

}  // namespace tiphys::net
