// Frames of SPDY/3.1: a strict reader and a writer. Pure.
// Source: SPDY Protocol Draft 3.1, 2.2 and 2.6; what upstream's peer (moby/spdystream) makes of it.
//
// Windows are not kept: spdystream neither opens nor heeds them, so a sender that waited for
// WINDOW_UPDATE would wait for ever. What holds a sender back is the connection under it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/spdy_headers.h"

namespace tiphys::net {

inline constexpr size_t kMaxSpdyControlBytes = 64 * 1024;  // payload of a control frame
inline constexpr size_t kMaxSpdyDataBytes = 0xffffff;      // payload of a DATA frame

enum class SpdyType : uint16_t {
  kData = 0,  // not on the wire
  kSynStream = 1,
  kSynReply = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kHeaders = 8,
  kWindowUpdate = 9,
};

// Status of RST_STREAM.
enum class SpdyReset : uint32_t {
  kProtocolError = 1,
  kInvalidStream = 2,
  kRefusedStream = 3,
  kCancel = 5,
};

struct SpdyFrame {
  SpdyType type = SpdyType::kData;
  uint32_t stream = 0;  // GOAWAY: the last good one
  bool fin = false;     // its sender says no more on this stream
  uint32_t number = 0;  // RST_STREAM and GOAWAY: status; PING: id
  Headers headers;      // of SYN_STREAM, SYN_REPLY and HEADERS
  std::string data;     // of DATA: a part of the frame; `fin` is told with the last one
};

// Takes frames out of a peer's bytes. DATA is handed on as it comes, whatever its length: it holds
// no more than what was added since the last frame, or a control frame.
class SpdyReader {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // nullopt: more bytes are needed. SETTINGS, WINDOW_UPDATE and unknown control frames are read
  // over. Error (for good): BadRequest, saying what is wrong.
  Result<std::optional<SpdyFrame>> next();

 private:
  struct Data {
    uint32_t stream = 0;
    bool fin = false;
    size_t left = 0;
  };
  Result<std::optional<SpdyFrame>> take_control(std::string_view head, size_t size);
  std::optional<SpdyFrame> take_data();

  std::string buffer_;
  std::optional<Data> data_;  // whose payload comes
  SpdyHeaderUnpacker unpacker_;
};

// Makes frames. Frames with headers must be sent in the order in which they were made.
class SpdyWriter {
 public:
  Result<std::string> syn_stream(uint32_t stream, const Headers& headers, bool fin = false);
  Result<std::string> syn_reply(uint32_t stream, const Headers& headers);

 private:
  SpdyHeaderPacker packer_;
};
// Requires: bytes are no more than kMaxSpdyDataBytes.
std::string spdy_data(uint32_t stream, std::string_view bytes, bool fin);
std::string spdy_reset(uint32_t stream, SpdyReset status);
std::string spdy_ping(uint32_t id);
std::string spdy_go_away(uint32_t last_good_stream);

}  // namespace tiphys::net
