// WatchFrames: cuts the bytes of a watch answer into frames and decodes them into events. Pure.
//
// Two formats: JSON, one WatchEvent a line (application/json), and protobuf, frames of a 4-byte
// big-endian length and a metav1.WatchEvent (application/vnd.kubernetes.protobuf;stream=watch).
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
// Input is hostile: a frame is at most kMaxFrameBytes.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/transport.h"

namespace tiphys::client {

inline constexpr size_t kMaxFrameBytes = 16 * 1024 * 1024;

class WatchFrames {
 public:
  enum class Format : uint8_t { kJsonLines, kProtobuf };
  // as: how objects were asked for.
  explicit WatchFrames(Format format, Request::As as = Request::As::kObject)
      : format_(format), as_(as) {}
  void feed(std::string_view bytes);
  // The next whole event; nothing until more is fed. Errors are final: the stream is broken.
  Result<std::optional<WatchEvent>> next();

 private:
  Result<std::optional<std::string_view>> next_frame();

  Format format_;
  Request::As as_;
  std::string buffer_;
  size_t consumed_ = 0;  // of buffer_
  size_t searched_ = 0;  // of buffer_, for the end of a line
};

}  // namespace tiphys::client
