#include "net/spdy_frames.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace tiphys::net {
namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (int byte : list) out += static_cast<char>(byte);
  return out;
}

std::string describe(const SpdyFrame& frame) {
  std::string out = std::to_string(int(frame.type)) + ":" + std::to_string(frame.stream);
  if (frame.number) out += "#" + std::to_string(frame.number);
  for (const auto& entry : frame.headers.entries())
    out += "{" + entry.name + "=" + entry.value + "}";
  if (!frame.data.empty()) out += "'" + frame.data + "'";
  return out + (frame.fin ? ". " : " ");
}

// Data that comes in parts shows as one.
std::string read_all(std::string_view input, size_t size) {
  SpdyReader reader;
  std::string log;
  while (true) {
    auto frame = reader.next();
    if (!frame) return log + "!" + frame.error().message();
    if (*frame) {
      log += describe(**frame);
      continue;
    }
    if (input.empty()) return log;
    reader.add(input.substr(0, size));
    input.remove_prefix(std::min(size, input.size()));
  }
}

void expect_read(const std::string& input, std::string_view wanted) {
  for (size_t size : {size_t{1}, size_t{5}, input.size()}) {
    EXPECT_EQ(read_all(input, size), wanted) << size;
  }
}

Headers headers_of(std::initializer_list<Headers::Entry> entries) {
  Headers out;
  for (const auto& entry : entries) out.add(entry.name, entry.value);
  return out;
}

TEST(SpdyDictionary, is_the_drafts) {
  EXPECT_EQ(spdy_dictionary().size(), 1423u);
  uint32_t sum = ::adler32(1, reinterpret_cast<const Bytef*>(spdy_dictionary().data()), 1423);
  EXPECT_EQ(sum, 0xe3c6a7c2);
}

TEST(SpdyFrames, headers_of_one_connection_are_one_zlib_stream) {
  SpdyWriter writer;
  std::string input = *writer.syn_stream(1, headers_of({{"streamtype", "error"}}));
  size_t first = input.size();
  input += *writer.syn_stream(3, headers_of({{"streamtype", "error"}}));
  EXPECT_LT(input.size() - first, first);  // it refers to the first
  input += *writer.syn_reply(5, {});
  input += *writer.syn_reply(7, headers_of({{"a", "1"}, {"b", "2"}, {"a", "3"}}));
  expect_read(input, "1:1{streamtype=error} 1:3{streamtype=error} 2:5 2:7{a=1}{a=3}{b=2} ");
}

TEST(SpdyFrames, control_frames) {
  expect_read(spdy_ping(2) + spdy_reset(3, SpdyReset::kCancel) + spdy_go_away(1),
              "6:2#2 3:3#5 7:1 ");
  // Settings, windows and types that nobody knows are read over.
  expect_read(bytes({0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0}) +
                  bytes({0x80, 3, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 1, 0}) +
                  bytes({0x80, 3, 0, 99, 7, 0, 0, 1, 'x'}) + spdy_ping(4),
              "6:4#4 ");
}

TEST(SpdyFrames, data_is_handed_on_as_it_comes) {
  SpdyReader reader;
  std::string frame = spdy_data(5, "hello", true);
  reader.add(frame.substr(0, 10));
  auto part = *reader.next();
  EXPECT_EQ(part->data, "he");
  EXPECT_FALSE(part->fin);
  EXPECT_EQ(*reader.next(), std::nullopt);
  reader.add(frame.substr(10));
  part = *reader.next();
  EXPECT_EQ(part->data, "llo");
  EXPECT_TRUE(part->fin);
  EXPECT_EQ(read_all(spdy_data(5, "", true) + spdy_data(7, "", false), 1), "0:5. 0:7 ");
}

TEST(SpdyFrames, what_breaks_the_protocol) {
  auto is = [](const std::string& input, std::string_view why) {
    expect_read(input, "!spdy: " + std::string(why));
  };
  is(bytes({0, 0, 0, 0, 0, 0, 0, 1, 'x'}), "data of stream 0");
  is(bytes({0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 2}), "not version 3");
  is(bytes({0x80, 3, 0, 4, 0, 1, 0, 1}), "control frame is too long");
  is(bytes({0x80, 3, 0, 6, 0, 0, 0, 5, 0, 0, 0, 2, 0}), "control frame of a wrong length");
  is(bytes({0x80, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0}),
     "control frame of a wrong length");
  is(bytes({0x80, 3, 0, 6, 1, 0, 0, 4, 0, 0, 0, 2}), "unknown flags");
  is(bytes({0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5}), "control frame of stream 0");
  is(bytes({0x80, 3, 0, 2, 0, 0, 0, 8, 0, 0, 0, 1, 'x', 'x', 'x', 'x'}),
     "header block can't be unpacked");
}

std::string reply_of(std::string_view plain_block, std::string_view dictionary) {
  z_stream stream{};
  ::deflateInit(&stream, 9);
  ::deflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(dictionary.data()),
                         static_cast<uInt>(dictionary.size()));
  std::string block(plain_block.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain_block.data()));
  stream.avail_in = static_cast<uInt>(plain_block.size());
  stream.next_out = reinterpret_cast<Bytef*>(block.data());
  stream.avail_out = static_cast<uInt>(block.size());
  ::deflate(&stream, Z_SYNC_FLUSH);
  block.resize(block.size() - stream.avail_out);
  ::deflateEnd(&stream);
  size_t size = block.size() + 4;
  return bytes({0x80, 3, 0, 2, 0, int(size >> 16), int(size >> 8 & 255), int(size & 255)}) +
         bytes({0, 0, 0, 1}) + block;
}

TEST(SpdyFrames, header_blocks_are_bounded) {
  auto is = [](const std::string& block, std::string_view why) {
    EXPECT_EQ(read_all(reply_of(block, spdy_dictionary()), 4096), "!spdy: " + std::string(why));
  };
  // A bomb: 8 MiB in 8 KiB.
  std::string bomb = bytes({0, 0, 0, 1, 0, 0, 0, 1, 'a', 0, 0x80, 0, 0});
  bomb.resize(bomb.size() + (8 << 20), 'x');
  is(bomb, "header block is too large");
  is(bytes({0, 0, 0, 101}), "too many headers");
  is(bytes({0xff, 0xff, 0xff, 0xff}), "too many headers");
  is(bytes({0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 'a'}), "header block is cut off");
  is(bytes({0, 0, 0, 1, 0, 0, 0, 1, 'A', 0, 0, 0, 0}), "bad header name");
  is(bytes({0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}), "bad header name");
  is(bytes({0, 0, 0, 2, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 0, 0}),
     "header given twice");
  is(bytes({0, 0, 0, 0, 'x'}), "bytes after the headers");
  std::string many = bytes({0, 0, 0, 1, 0, 0, 0, 1, 'a', 0, 0, 0, 200}) + std::string(200, '\0');
  is(many, "too many headers");
  EXPECT_EQ(read_all(reply_of(bytes({0, 0, 0, 0}), "another dictionary"), 4096),
            "!spdy: header block can't be unpacked");
}

}  // namespace
}  // namespace tiphys::net
