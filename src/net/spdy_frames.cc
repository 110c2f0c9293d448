#include "net/spdy_frames.h"

namespace tiphys::net {
namespace {

constexpr size_t kHeadBytes = 8;
constexpr uint16_t kVersion = 3;
constexpr uint32_t kControlBit = 0x80000000;
constexpr uint32_t kStreamMask = 0x7fffffff;
constexpr uint8_t kFin = 0x01;
constexpr uint8_t kUnidirectional = 0x02;

ApiStatus broken(std::string_view why) {
  return ApiStatus::bad_request("spdy: " + std::string(why));
}

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = at; i < at + 4; ++i) out = out << 8 | static_cast<uint8_t>(bytes[i]);
  return out;
}

void append_number(std::string& out, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

// Bytes before the header block, or the whole payload; and which flags a type may have.
struct Shape {
  size_t fixed;
  bool exact;
  uint8_t flags;
};
std::optional<Shape> shape_of(SpdyType type) {
  switch (type) {
    case SpdyType::kSynStream:
      return Shape{10, false, kFin | kUnidirectional};
    case SpdyType::kSynReply:
    case SpdyType::kHeaders:
      return Shape{4, false, kFin};
    case SpdyType::kRstStream:
      return Shape{8, true, 0};
    case SpdyType::kPing:
      return Shape{4, true, 0};
    case SpdyType::kGoAway:
      return Shape{8, true, 0};
    default:
      return std::nullopt;
  }
}

std::string control(SpdyType type, uint8_t flags, std::string_view payload) {
  std::string out;
  append_number(out, kControlBit | uint32_t{kVersion} << 16 | uint32_t(type));
  append_number(out, uint32_t{flags} << 24 | static_cast<uint32_t>(payload.size()));
  out += payload;
  return out;
}

}  // namespace

Result<std::optional<SpdyFrame>> SpdyReader::next() {
  while (true) {
    if (data_) return take_data();
    if (buffer_.size() < kHeadBytes) return std::nullopt;
    uint32_t first = number_at(buffer_, 0);
    uint32_t second = number_at(buffer_, 4);
    size_t size = second & kMaxSpdyDataBytes;
    if (!(first & kControlBit)) {
      if (first == 0) return broken("data of stream 0");
      data_ = Data{first, (second >> 24 & kFin) != 0, size};
      buffer_.erase(0, kHeadBytes);
      continue;
    }
    if ((first >> 16 & 0x7fff) != kVersion) return broken("not version 3");
    if (size > kMaxSpdyControlBytes) return broken("control frame is too long");
    if (buffer_.size() < kHeadBytes + size) return std::nullopt;
    std::string head = buffer_.substr(0, kHeadBytes + size);
    buffer_.erase(0, head.size());
    TIPHYS_TRY(std::optional<SpdyFrame>, frame, take_control(head, size));
    if (frame) return frame;
  }
}

// Nothing: a frame to read over.
Result<std::optional<SpdyFrame>> SpdyReader::take_control(std::string_view head, size_t size) {
  SpdyFrame frame;
  frame.type = SpdyType(number_at(head, 0) & 0xffff);
  std::optional<Shape> shape = shape_of(frame.type);
  if (!shape) return std::nullopt;
  auto flags = static_cast<uint8_t>(number_at(head, 4) >> 24);
  bool fits = shape->exact ? size == shape->fixed : size >= shape->fixed;
  if (!fits) return broken("control frame of a wrong length");
  if (flags & ~shape->flags) return broken("unknown flags");
  std::string_view payload = head.substr(kHeadBytes);
  frame.fin = flags & kFin;
  frame.stream = number_at(payload, 0) & kStreamMask;
  if (frame.type == SpdyType::kPing) frame.number = number_at(payload, 0);
  if (shape->exact && size == 8) frame.number = number_at(payload, 4);
  if (frame.stream == 0 && frame.type != SpdyType::kGoAway && frame.type != SpdyType::kPing) {
    return broken("control frame of stream 0");
  }
  if (!shape->exact) {
    TIPHYS_TRY(Headers, headers, unpacker_.unpack(payload.substr(shape->fixed)));
    frame.headers = std::move(headers);
  }
  return frame;
}

std::optional<SpdyFrame> SpdyReader::take_data() {
  if (data_->left > 0 && buffer_.empty()) return std::nullopt;
  SpdyFrame frame;
  frame.stream = data_->stream;
  size_t size = std::min(data_->left, buffer_.size());
  frame.data = buffer_.substr(0, size);
  buffer_.erase(0, size);
  data_->left -= size;
  if (data_->left == 0) {
    frame.fin = data_->fin;
    data_.reset();
  }
  return frame;
}

Result<std::string> SpdyWriter::syn_stream(uint32_t stream, const Headers& headers, bool fin) {
  TIPHYS_TRY(std::string, block, packer_.pack(headers));
  std::string payload;
  append_number(payload, stream);
  append_number(payload, 0);     // associated with no other
  payload += std::string(2, 0);  // priority 0, no slot
  return control(SpdyType::kSynStream, fin ? kFin : 0, payload + block);
}

Result<std::string> SpdyWriter::syn_reply(uint32_t stream, const Headers& headers) {
  TIPHYS_TRY(std::string, block, packer_.pack(headers));
  std::string payload;
  append_number(payload, stream);
  return control(SpdyType::kSynReply, 0, payload + block);
}

std::string spdy_data(uint32_t stream, std::string_view bytes, bool fin) {
  std::string out;
  out.reserve(kHeadBytes + bytes.size());
  append_number(out, stream);
  append_number(out, (fin ? uint32_t{kFin} << 24 : 0) | static_cast<uint32_t>(bytes.size()));
  out += bytes;
  return out;
}

std::string spdy_reset(uint32_t stream, SpdyReset status) {
  std::string payload;
  append_number(payload, stream);
  append_number(payload, uint32_t(status));
  return control(SpdyType::kRstStream, 0, payload);
}

std::string spdy_ping(uint32_t id) {
  std::string payload;
  append_number(payload, id);
  return control(SpdyType::kPing, 0, payload);
}

std::string spdy_go_away(uint32_t last_good_stream) {
  std::string payload;
  append_number(payload, last_good_stream);
  append_number(payload, 0);
  return control(SpdyType::kGoAway, 0, payload);
}

}  // namespace tiphys::net
