#include "client/answer_form.h"

#include <gtest/gtest.h>

#include "client/watch_frames.h"
#include "kinds/meta_v1.h"
#include "kinds/metadata.h"

namespace tiphys::client {
namespace {

using As = Request::As;

constexpr std::string_view kWidget =
    R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","uid":"u"},)"
    R"("spec":{"any":[1,{"thing":null}]}})";

TEST(AnswerForm, asks_as_upstreams_metadata_client_does) {
  EXPECT_EQ(accept_header(As::kObject), "application/vnd.kubernetes.protobuf,application/json");
  EXPECT_EQ(accept_header(As::kMetadata),
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
  EXPECT_EQ(watch_accept_header(As::kMetadata), accept_header(As::kMetadata));
}

TEST(AnswerForm, a_whole_object_of_an_unknown_kind_becomes_its_metadata) {
  EXPECT_FALSE(decode_answer("application/json", kWidget, As::kObject));
  auto widget = decode_answer("application/json;charset=utf-8", kWidget, As::kMetadata);
  ASSERT_TRUE(widget) << widget.error().message();
  EXPECT_EQ(&(*widget)->type(), &meta_v1::PartialObjectMetadata::message());
  EXPECT_EQ(uid_of(**widget), "u");
}

TEST(AnswerForm, so_do_lists_of_them) {
  std::string text = R"({"apiVersion":"example.com/v1","kind":"WidgetList","metadata":)"
                     R"({"resourceVersion":"7"},"items":[)" +
                     std::string(kWidget) + "]}";
  auto list = decode_answer("application/json", text, As::kMetadataList);
  ASSERT_TRUE(list) << list.error().message();
  meta_v1::PartialObjectMetadataList view(**list);
  ASSERT_EQ(view.items().size(), 1);
  EXPECT_EQ(view.items()[0].metadata().name(), "w");
  EXPECT_EQ(view.metadata().resource_version(), "7");
}

TEST(AnswerForm, known_kinds_stay_what_they_are) {
  auto status = decode_answer("application/json",
                              R"({"apiVersion":"v1","kind":"Status","code":200})", As::kMetadata);
  ASSERT_TRUE(status);
  EXPECT_EQ(&(*status)->type(), &meta_v1::Status::message_type());
  EXPECT_FALSE(decode_answer("application/json", "[]", As::kMetadata));
  EXPECT_FALSE(decode_answer("application/json", "", As::kMetadata));
  EXPECT_FALSE(decode_answer(kProtobufType, "k8s", As::kMetadata));
}

TEST(AnswerForm, events_of_a_watch_carry_metadata) {
  std::string line = R"({"type":"ADDED","object":)" + std::string(kWidget) + "}\n";
  WatchFrames whole(WatchFrames::Format::kJsonLines);
  whole.feed(line);
  EXPECT_FALSE(whole.next());
  WatchFrames frames(WatchFrames::Format::kJsonLines, As::kMetadata);
  frames.feed(line);
  auto event = frames.next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ(name_of(*(*event)->object), "w");
}

}  // namespace
}  // namespace tiphys::client
