#include "client/watch_frames.h"

#include "client/answer_form.h"
#include "client/status_object.h"
#include "codec/codec.h"
#include "kinds/meta_v1.h"

namespace tiphys::client {

namespace {

std::optional<WatchEvent::Type> event_type(std::string_view text) {
  if (text == "ADDED") return WatchEvent::Type::kAdded;
  if (text == "MODIFIED") return WatchEvent::Type::kModified;
  if (text == "DELETED") return WatchEvent::Type::kDeleted;
  if (text == "BOOKMARK") return WatchEvent::Type::kBookmark;
  if (text == "ERROR") return WatchEvent::Type::kError;
  return std::nullopt;
}

Result<Node*> decode_frame(WatchFrames::Format format, std::string_view frame, Arena& arena) {
  const schema::Message& type = meta_v1::WatchEvent::message();
  if (format == WatchFrames::Format::kJsonLines) {
    return codec::decode_json(frame, type, arena, nullptr);
  }
  return codec::decode_protobuf(frame, type, arena);
}

Result<std::optional<WatchEvent>> decode_event(WatchFrames::Format format, std::string_view frame,
                                               Request::As as) {
  Arena arena;
  TIPHYS_TRY(Node*, root, decode_frame(format, frame, arena));
  meta_v1::WatchEvent view(*root);
  std::optional<WatchEvent::Type> type = event_type(view.type());
  if (!type) return ApiStatus::internal("unknown watch event type");
  bool json = !view.object().starts_with(std::string_view("k8s\0", 4));
  TIPHYS_TRY(ObjectPtr, object, decode_answer(json ? kJsonType : kProtobufType, view.object(), as));
  WatchEvent event;
  event.type = *type;
  event.object = std::move(object);
  if (*type == WatchEvent::Type::kError) event.error = status_of(*event.object);
  return std::optional<WatchEvent>(std::move(event));
}

}  // namespace

void WatchFrames::feed(std::string_view bytes) {
  if (consumed_ > 0) {
    buffer_.erase(0, consumed_);
    searched_ -= std::min(searched_, consumed_);
    consumed_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<std::string_view>> WatchFrames::next_frame() {
  std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (format_ == Format::kJsonLines) {
    size_t end = buffer_.find('\n', std::max(searched_, consumed_));
    searched_ = end == std::string::npos ? buffer_.size() : end + 1;
    if (end == std::string::npos) {
      if (rest.size() > kMaxFrameBytes) return ApiStatus::internal("a watch event is too large");
      return std::optional<std::string_view>();
    }
    std::string_view line = rest.substr(0, end - consumed_);
    consumed_ = end + 1;
    return std::optional(line);
  }
  if (rest.size() < 4) return std::optional<std::string_view>();
  size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(rest[size_t(i)]);
  if (length > kMaxFrameBytes) return ApiStatus::internal("a watch event is too large");
  if (rest.size() < 4 + length) return std::optional<std::string_view>();
  consumed_ += 4 + length;
  return std::optional(rest.substr(4, length));
}

Result<std::optional<WatchEvent>> WatchFrames::next() {
  while (true) {
    TIPHYS_TRY(std::optional<std::string_view>, frame, next_frame());
    if (!frame) return std::optional<WatchEvent>();
    if (frame->empty()) continue;
    return decode_event(format_, *frame, as_);
  }
}

}  // namespace tiphys::client
