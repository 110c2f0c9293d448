// Watch frames, in both formats, in pieces of any size, whole and broken.
#include "client/watch_frames.h"

#include <gtest/gtest.h>

#include "client/object_key.h"
#include "codec/codec.h"
#include "kinds/core_v1.h"

namespace tiphys::client {
namespace {

const char kLines[] =
    "{\"type\":\"ADDED\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\","
    "\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\"}}}\n"
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
    "\"status\":\"Failure\",\"message\":\"too old\",\"reason\":\"Expired\",\"code\":410}}\n";

std::vector<WatchEvent> read_in_pieces(WatchFrames::Format format, std::string_view bytes,
                                       size_t piece) {
  WatchFrames frames(format);
  std::vector<WatchEvent> events;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    frames.feed(bytes.substr(at, piece));
    while (true) {
      Result<std::optional<WatchEvent>> event = frames.next();
      EXPECT_TRUE(event) << event.error().message();
      if (!event || !*event) break;
      events.push_back(**event);
    }
  }
  return events;
}

TEST(WatchFrames, json_lines_in_pieces) {
  for (size_t piece : {1, 7, 1000}) {
    auto events = read_in_pieces(WatchFrames::Format::kJsonLines, kLines, piece);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(metadata(*events[0].object).name(), "a");
    EXPECT_EQ(events[1].type, WatchEvent::Type::kError);
    EXPECT_TRUE(events[1].error->is_gone());
  }
}

std::string protobuf_frame(std::string_view type, const Object& object) {
  std::string raw;
  codec::encode_object(codec::Format::kProtobuf, object.type(), object.root(), object.gvk(), raw);
  Draft draft(meta_v1::WatchEvent::message());
  meta_v1::WatchEventEdit event(draft);
  event.set_type(type);
  event.set_object(raw);
  std::string body;
  codec::encode_protobuf(draft.type(), draft.root(), body);
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(body.size() >> shift);
  return frame + body;
}

TEST(WatchFrames, protobuf_frames_in_pieces) {
  Draft draft = core_v1::ConfigMap::make();
  edit_metadata(draft).set_name("b");
  ObjectPtr object = draft.freeze();
  std::string bytes = protobuf_frame("ADDED", *object) + protobuf_frame("DELETED", *object);
  for (size_t piece : {1, 7, 1000}) {
    auto events = read_in_pieces(WatchFrames::Format::kProtobuf, bytes, piece);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].type, WatchEvent::Type::kDeleted);
    EXPECT_EQ(metadata(*events[1].object).name(), "b");
  }
}

TEST(WatchFrames, hostile_input_is_an_error) {
  WatchFrames huge(WatchFrames::Format::kProtobuf);
  huge.feed("\x7f\xff\xff\xff");
  EXPECT_FALSE(huge.next());
  WatchFrames garbage(WatchFrames::Format::kJsonLines);
  garbage.feed("{\"type\":\"ADDED\",\"object\":5}\n");
  EXPECT_FALSE(garbage.next());
  WatchFrames endless(WatchFrames::Format::kJsonLines);
  for (int i = 0; i < 17; ++i) endless.feed(std::string(1024 * 1024, 'x'));
  EXPECT_FALSE(endless.next());
}

}  // namespace
}  // namespace tiphys::client
