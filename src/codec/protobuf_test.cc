// Protobuf: hostile bytes, unknown fields, the envelope, proto3 rules. (Bytes of every kind:
// fixtures_test.cc.)
#include <gtest/gtest.h>

#include "codec/codec.h"

namespace tiphys::codec {
namespace {

using namespace std::string_literals;

std::string json_of(const schema::Message& type, const Node& node) {
  std::string out;
  encode_json(type, node, out);
  return out;
}

TEST(Protobuf, unknown_fields_are_stepped_over) {
  Arena arena;
  const schema::Message& type = *schema::find_message("k8s.io.api.core.v1.LocalObjectReference");
  // 99: varint, fixed64, bytes, a group with a field, fixed32; then name = "a".
  std::string bytes =
      "\x98\x06\x05"
      "\x99\x06"
      "12345678"
      "\x9a\x06\x02xy"
      "\x9b\x06\x08\x01\x9c\x06"
      "\x9d\x06"
      "1234"
      "\x0a\x01"
      "a";
  Result<Node*> node = decode_protobuf(bytes, type, arena);
  ASSERT_TRUE(node) << node.error().message();
  EXPECT_EQ(json_of(type, **node), "{\"name\":\"a\"}");
}

TEST(Protobuf, truncation_anywhere_is_an_error_or_a_shorter_message) {
  Result<Draft> pod =
      decode_object(Format::kJson,
                    R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"a":"b"},)"
                    R"("creationTimestamp":"2020-01-01T00:00:00Z"},)"
                    R"("spec":{"containers":[{"name":"c",)"
                    R"("ports":[{"containerPort":80}],)"
                    R"("livenessProbe":{"httpGet":{"port":"http"}}}]}})",
                    nullptr, nullptr);
  ASSERT_TRUE(pod);
  std::string bytes;
  encode_object(Format::kProtobuf, pod->type(), pod->root(), pod->gvk(), bytes);
  for (size_t n = 0; n < bytes.size(); ++n) {
    Result<Draft> cut = decode_object(Format::kProtobuf, bytes.substr(0, n), nullptr, nullptr);
    EXPECT_FALSE(cut && cut->type().name.empty());
  }
  for (size_t n = 4; n < bytes.size(); ++n) {
    std::string broken = bytes;
    broken[n] = static_cast<char>(broken[n] ^ 0x81);
    (void)decode_object(Format::kProtobuf, broken, nullptr, nullptr);  // must only not crash
  }
}

TEST(Protobuf, the_envelope_is_checked) {
  EXPECT_EQ(
      decode_envelope("{}").error().message(),
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  std::string bytes;
  encode_envelope("apps/v1", "Deployment", "raw", bytes);
  Result<Envelope> envelope = decode_envelope(bytes);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->api_version, "apps/v1");
  EXPECT_EQ(envelope->kind, "Deployment");
  EXPECT_EQ(envelope->raw, "raw");
  EXPECT_FALSE(decode_envelope("k8s\0\x0a\xff"s));
}

TEST(Protobuf, depth_is_bounded) {
  // JSONSchemaProps.not (number 25) inside itself.
  const schema::Message& type = *schema::find_message(
      "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
  uint32_t number = type.find("not")->number;
  auto nested = [&](int depth) {
    std::string bytes;
    for (int i = 0; i < depth; ++i) {
      std::string outer;
      auto varint = [&](uint64_t v) {
        for (; v >= 0x80; v >>= 7) outer += static_cast<char>(v | 0x80);
        outer += static_cast<char>(v);
      };
      varint(number << 3 | 2);
      varint(bytes.size());
      bytes = outer + bytes;
    }
    return bytes;
  };
  Arena arena;
  EXPECT_TRUE(decode_protobuf(nested(kMaxProtobufDepth - 1), type, arena));
  EXPECT_FALSE(decode_protobuf(nested(kMaxProtobufDepth + 1), type, arena));
}

TEST(Protobuf, packed_and_single_repeated_numbers_both_read) {
  const schema::Message& type = *schema::find_message("k8s.io.api.core.v1.PodSecurityContext");
  Arena arena;
  std::string packed = "\x22\x02\x05\x06";  // supplementalGroups = 4
  std::string single = "\x20\x05\x20\x06";
  EXPECT_EQ(json_of(type, **decode_protobuf(packed, type, arena)),
            "{\"supplementalGroups\":[5,6]}");
  EXPECT_EQ(json_of(type, **decode_protobuf(single, type, arena)),
            "{\"supplementalGroups\":[5,6]}");
  std::string out;
  encode_protobuf(type, **decode_protobuf(packed, type, arena), out);
  EXPECT_EQ(out, single);
}

TEST(Protobuf, proto3_leaves_zeros_out) {
  const schema::Message* type = schema::find_message("runtime.v1.VersionRequest");
  ASSERT_NE(type, nullptr);
  Arena arena;
  Node* node = arena.make_node();
  std::string out;
  encode_protobuf(*type, *node, out);
  EXPECT_EQ(out, "");
  set_field(arena, *node, 0, arena.string("v1"));
  encode_protobuf(*type, *node, out);
  EXPECT_EQ(out, "\x0a\x02v1");
}

TEST(Protobuf, a_malformed_quantity_is_an_error) {
  const schema::Message& type = *schema::find_message("k8s.io.api.core.v1.EmptyDirVolumeSource");
  Arena arena;
  EXPECT_FALSE(decode_protobuf("\x12\x03\x0a\x01x", type, arena));
  EXPECT_TRUE(
      decode_protobuf("\x12\x04\x0a\x02"
                      "1k",
                      type, arena));
}

}  // namespace
}  // namespace tiphys::codec
