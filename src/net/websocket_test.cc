#include "net/websocket.h"

#include <gtest/gtest.h>

#include "net/websocket_client_frame.h"

namespace tiphys::net {
namespace {

using Opcode = WebSocketOpcode;

// What the reader makes of bytes that come in pieces of `size`: "b<hello>" is a whole binary
// message, "b<he..." its start, "!" the end of reading, with what is wrong.
std::string read_all(std::string_view bytes, size_t size) {
  WebSocketReader reader;
  std::string log;
  bool inside = false;
  while (true) {
    auto piece = reader.next();
    if (!piece) return log + "!" + piece.error().message();
    if (*piece) {
      static constexpr std::string_view kNames = "ctb.....XPO";
      if ((*piece)->first) log += std::string(1, kNames[size_t((*piece)->opcode)]) + "<";
      log += (*piece)->bytes;
      if ((*piece)->last) log += ">";
      inside = !(*piece)->last;
      continue;
    }
    if (bytes.empty()) return log + (inside ? "..." : "");
    reader.add(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
}

void expect_read(const std::string& bytes, std::string_view wanted) {
  for (size_t size : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    EXPECT_EQ(read_all(bytes, size), wanted) << size;
  }
}

TEST(WebSocketReader, messages_and_control_frames) {
  expect_read(client_frame(Opcode::kBinary, "hello") + client_frame(Opcode::kText, ""),
              "b<hello>t<>");
  std::string long_one(70'000, 'x');
  expect_read(client_frame(Opcode::kBinary, long_one), "b<" + long_one + ">");
  expect_read(client_frame(Opcode::kPing, "p") + client_frame(Opcode::kClose, "\x03\xe8"),
              "P<p>X<\x03\xe8>");
}

TEST(WebSocketReader, a_message_in_parts_with_a_ping_between) {
  // The ping shows between the parts; the message goes on.
  WebSocketReader reader;
  reader.add(client_frame(Opcode::kBinary, "he", false) + client_frame(Opcode::kPing, "p") +
             client_frame(Opcode::kContinuation, "llo"));
  auto start = *reader.next();
  EXPECT_TRUE(start->first && !start->last);
  EXPECT_EQ(start->bytes, "he");
  EXPECT_EQ((*reader.next())->opcode, Opcode::kPing);
  auto end = *reader.next();
  EXPECT_TRUE(!end->first && end->last);
  EXPECT_EQ(end->bytes, "llo");
  EXPECT_EQ(end->opcode, Opcode::kBinary);
  EXPECT_EQ(*reader.next(), std::nullopt);
}

TEST(WebSocketReader, what_no_client_may_send) {
  auto raw = [](std::initializer_list<int> bytes) {
    std::string out;
    for (int byte : bytes) out += static_cast<char>(byte);
    return out;
  };
  expect_read(raw({0x82, 0x01, 'x'}), "!websocket: frame without a mask");
  expect_read(raw({0xc2, 0x80, 1, 2, 3, 4}), "!websocket: reserved bits are set");
  expect_read(raw({0x83, 0x80, 1, 2, 3, 4}), "!websocket: unknown opcode 3");
  expect_read(raw({0x8b, 0x80, 1, 2, 3, 4}), "!websocket: unknown opcode 11");
  expect_read(raw({0x09, 0x80, 1, 2, 3, 4}), "!websocket: control frame is too long");
  expect_read(client_frame(Opcode::kPing, std::string(126, 'x')),
              "!websocket: control frame is too long");
  expect_read(client_frame(Opcode::kContinuation, "x"), "!websocket: continuation of no message");
  expect_read(client_frame(Opcode::kBinary, "a", false) + client_frame(Opcode::kBinary, "b"),
              "b<a!websocket: message within a message");
  expect_read(raw({0x82, 0xff, 0, 0, 0, 0, 2, 0, 0, 1, 1, 2, 3, 4}),
              "!websocket: frame payload size exceeds limit");
  expect_read(raw({0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 1, 2, 3, 4}),
              "!websocket: frame payload size exceeds limit");
}

TEST(WebSocketReader, the_largest_frame_is_taken_as_it_comes) {
  std::string head = client_frame(Opcode::kBinary, "");
  head[1] = static_cast<char>(0xff);
  head.insert(2, std::string({0, 0, 0, 0, 2, 0, 0, 0}));
  WebSocketReader reader;
  reader.add(head + "xyz");
  auto piece = *reader.next();
  EXPECT_EQ(piece->bytes.size(), 3u);
  EXPECT_FALSE(piece->last);
}

TEST(WebSocketFrame, lengths) {
  EXPECT_EQ(websocket_frame(Opcode::kBinary, "ab"),
            "\x82\x02"
            "ab");
  EXPECT_EQ(websocket_frame(Opcode::kText, std::string(126, 'x')).substr(0, 4),
            std::string("\x81\x7e\x00\x7e", 4));
  EXPECT_EQ(websocket_frame(Opcode::kText, std::string(65'536, 'x')).substr(0, 10),
            std::string("\x81\x7f\0\0\0\0\0\1\0\0", 10));
}

TEST(WebSocketHandshake, answers_with_the_protocol) {
  Headers headers;
  headers.add("connection", "keep-alive, Upgrade");
  headers.add("upgrade", "WebSocket");
  headers.add("sec-websocket-version", "13");
  headers.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");  // RFC 6455, 1.3
  headers.add("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io");
  headers.add("sec-websocket-protocol", "x");
  EXPECT_TRUE(is_websocket_request(headers));
  EXPECT_EQ(websocket_protocols(headers),
            (std::vector<std::string_view>{"v5.channel.k8s.io", "v4.channel.k8s.io", "x"}));
  auto answer = websocket_handshake(headers, "v5.channel.k8s.io");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 101);
  EXPECT_EQ(answer->headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(answer->headers.get("sec-websocket-protocol"), "v5.channel.k8s.io");
  headers.set("sec-websocket-key", "c2hvcnQ=");
  EXPECT_FALSE(websocket_handshake(headers, ""));
}

}  // namespace
}  // namespace tiphys::net
