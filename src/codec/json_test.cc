// JSON in and out: Go's rules and wording, strict notes, canonical form, hostile input.
#include <gtest/gtest.h>

#include "codec/codec.h"

namespace tiphys::codec {
namespace {

const schema::Kind* kind(std::string_view group, std::string_view name) {
  return schema::find_kind(group, "v1", name);
}

std::string why(std::string_view text) {
  Result<Draft> draft = decode_object(Format::kJson, text, kind("", "Pod"), nullptr);
  return draft ? "ok" : draft.error().message();
}

std::string through(std::string_view text, const schema::Kind* type) {
  Result<Draft> draft = decode_object(Format::kJson, text, type, nullptr);
  if (!draft) return draft.error().message();
  std::string out;
  encode_object(Format::kJson, draft->type(), draft->root(), nullptr, out);
  return out;
}

std::string problems(std::string_view text) {
  DecodeNotes notes;
  Result<Draft> draft = decode_object(Format::kJson, text, kind("", "Pod"), &notes);
  std::string out = draft ? "" : draft.error().message();
  for (const std::string& problem : notes.problems) out += problem + ";";
  return out;
}

TEST(Json, micro_times_have_six_digits) {
  auto lease = [](std::string time) {
    return through(R"({"spec":{"renewTime":")" + time + "\"}}",
                   kind("coordination.k8s.io", "Lease"));
  };
  EXPECT_EQ(lease("2020-01-01T00:00:05.500000Z"),
            R"({"metadata":{},"spec":{"renewTime":"2020-01-01T00:00:05.500000Z"}})");
  EXPECT_EQ(lease("2020-01-01T00:00:05.5Z"),
            "parsing time \"2020-01-01T00:00:05.5Z\" as \"2006-01-02T15:04:05.000000Z07:00\": "
            "cannot parse \".5Z\" as \".000000\"");
  EXPECT_EQ(lease("2020-01-01T00:00:05.1234567Z"),
            "parsing time \"2020-01-01T00:00:05.1234567Z\" as "
            "\"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"7Z\" as \"Z07:00\"");
}

TEST(Json, type_errors_name_field_and_go_type) {
  EXPECT_EQ(why(R"({"metadata":{"labels":"x"}})"),
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type "
            "map[string]string");
  EXPECT_EQ(why(R"({"metadata":{"labels":{"a":1}}})"),
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type "
            "string");
  EXPECT_EQ(why(R"({"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}})"),
            "json: cannot unmarshal string into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32");
  EXPECT_EQ(
      why(R"({"spec":{"priority":99999999999}})"),
      "json: cannot unmarshal number 99999999999 into Go struct field PodSpec.spec.priority of "
      "type int32");
  EXPECT_EQ(why(R"({"spec":{"priority":1.5}})"),
            "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type "
            "int32");
  EXPECT_EQ(why(R"({"spec":{"containers":{}}})"),
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type "
            "[]v1.Container");
  EXPECT_EQ(why(R"({"spec":[]})"),
            "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec");
  EXPECT_EQ(
      why(R"({"spec":{"hostNetwork":"true"}})"),
      "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool");
}

TEST(Json, the_first_type_error_is_reported_but_syntax_errors_win) {
  EXPECT_EQ(why(R"({"metadata":{"name":1,"namespace":2}})"),
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type "
            "string");
  EXPECT_EQ(why(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":1},})"),
            "invalid character '}' looking for beginning of object key string");
}

TEST(Json, syntax_errors_read_as_gos) {
  auto any = [](std::string_view text) {
    Arena arena;
    Result<Value> value = decode_json_any(text, arena);
    return value ? std::string("ok") : value.error().message();
  };
  EXPECT_EQ(any(""), "unexpected end of JSON input");
  EXPECT_EQ(any("{\"a\":1"), "unexpected end of JSON input");
  EXPECT_EQ(any("\"abc"), "unexpected end of JSON input");
  EXPECT_EQ(any("{a:1}"), "invalid character 'a' looking for beginning of object key string");
  EXPECT_EQ(any("[1,]"), "invalid character ']' looking for beginning of value");
  EXPECT_EQ(any("[1 2]"), "invalid character '2' after array element");
  EXPECT_EQ(any("{\"a\" 1}"), "invalid character '1' after object key");
  EXPECT_EQ(any("{\"a\":1 \"b\"}"), "invalid character '\"' after object key:value pair");
  EXPECT_EQ(any("1 1"), "invalid character '1' after top-level value");
  EXPECT_EQ(any("trux"), "invalid character 'x' in literal true (expecting 'e')");
  EXPECT_EQ(any("-x"), "invalid character 'x' in numeric literal");
  EXPECT_EQ(any("1.x"), "invalid character 'x' after decimal point in numeric literal");
  EXPECT_EQ(any("1ex"), "invalid character 'x' in exponent of numeric literal");
  EXPECT_EQ(any("\"\\x\""), "invalid character 'x' in string escape code");
  EXPECT_EQ(any("\"\\u00zz\""), "invalid character 'z' in \\u hexadecimal character escape");
  EXPECT_EQ(any("\"a\nb\""), "invalid character '\\n' in string literal");
  EXPECT_EQ(any("'"), "invalid character '\\'' looking for beginning of value");
  EXPECT_EQ(any("01"), "invalid character '1' after top-level value");
}

TEST(Json, kinds_are_found_or_named) {
  EXPECT_EQ(why(R"({"kind":"X","apiVersion":"v1"})"),
            "no kind \"X\" is registered for version \"v1\" in scheme "
            "\"pkg/api/legacyscheme/scheme.go:30\"");
  Result<Draft> draft = decode_object(Format::kJson, "{\"a\":1}", nullptr, nullptr);
  EXPECT_EQ(draft.error().message(), "Object 'Kind' is missing in '{\"a\":1}'");
  draft = decode_object(Format::kJson, R"({"kind":"Pod"})", nullptr, nullptr);
  EXPECT_EQ(draft.error().message(), "Object 'apiVersion' is missing in '{\"kind\":\"Pod\"}'");
  EXPECT_EQ(why(R"({"kind":1})"),
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go "
            "struct field .kind of type string");
  draft = decode_object(Format::kJson, R"({"apiVersion":"apps/v1","kind":"Deployment"})",
                        kind("", "Pod"), nullptr);
  ASSERT_TRUE(draft);
  EXPECT_EQ(draft->gvk()->api_version(), "apps/v1");
}

TEST(Json, strict_notes_name_unknown_and_duplicate_fields) {
  EXPECT_EQ(
      problems(R"({"spec":{"foo":1,"containers":[{"name":"a"},{"Name":"b","x":{}}]},"zz":0})"),
      "unknown field \"spec.foo\";unknown field \"spec.containers[1].Name\";"
      "unknown field \"spec.containers[1].x\";unknown field \"zz\";");
  EXPECT_EQ(
      problems(
          R"({"spec":{"nodeName":"a","nodeName":"b"},"metadata":{"labels":{"k":"1","k":"2"}}})"),
      "duplicate field \"spec.nodeName\";duplicate field \"metadata.labels.k\";");
  EXPECT_EQ(problems(R"({"metadata":{"labels":{"k":"1"},"labels":{"k":"2"}}})"),
            "duplicate field \"metadata.labels\";");
  std::string many = "{";
  for (int i = 0; i < 500; ++i) many += "\"x" + std::to_string(i) + "\":1,";
  DecodeNotes notes;
  ASSERT_TRUE(decode_object(Format::kJson, many + "\"kind\":\"Pod\"}", kind("", "Pod"), &notes));
  EXPECT_EQ(notes.problems.size(), kMaxProblems);
}

TEST(Json, untyped_duplicates_are_noted_at_every_depth) {
  Arena arena;
  DecodeNotes notes;
  ASSERT_TRUE(decode_json_any(R"({"a":[{"b":1,"b":2}],"c":1,"c":2})", arena, &notes));
  EXPECT_EQ(notes.problems,
            (std::vector<std::string>{"duplicate field \"a[0].b\"", "duplicate field \"c\""}));
}

TEST(Json, duplicates_last_wins_and_structs_merge) {
  EXPECT_EQ(through(R"({"metadata":{"name":"a"},"metadata":{"namespace":"b","name":"c"}})",
                    kind("", "ConfigMap")),
            R"({"metadata":{"name":"c","namespace":"b"}})");
}

TEST(Json, output_has_gos_zero_values_and_escapes) {
  EXPECT_EQ(through("{}", kind("", "Pod")),
            R"({"metadata":{},"spec":{"containers":null},"status":{}})");
  EXPECT_EQ(through(R"({"data":{"b":"<&>\u2028\u0001\n\"","a":"\u00e4"},"metadata":null})",
                    kind("", "ConfigMap")),
            "{\"metadata\":{},\"data\":{\"a\":\"\xc3\xa4\",\"b\":"
            "\"\\u003c\\u0026\\u003e\\u2028\\u0001\\n\\\"\"}}");
  EXPECT_EQ(through(R"({"spec":{"ports":[{"port":80}]}})", kind("", "Service")),
            R"({"metadata":{},"spec":{"ports":[{"port":80,"targetPort":0}]},)"
            R"("status":{"loadBalancer":{}}})");
}

TEST(Json, invalid_utf8_and_lone_surrogates_become_the_replacement_character) {
  EXPECT_EQ(through("{\"data\":{\"a\":\"x\xff\",\"b\":\"\\ud800\",\"c\":\"\\ud83d\\ude00\"}}",
                    kind("", "ConfigMap")),
            "{\"metadata\":{},\"data\":{\"a\":\"x\xef\xbf\xbd\",\"b\":\"\xef\xbf\xbd\",\"c\":"
            "\"\xf0\x9f\x98\x80\"}}");
}

TEST(Json, special_kinds_have_their_own_forms) {
  EXPECT_EQ(through(R"({"spec":{"containers":[{"name":"c",)"
                    R"("resources":{"limits":{"cpu":1,"memory":"1024Mi"}}}]}})",
                    kind("", "Pod")),
            R"({"metadata":{},"spec":{"containers":[{"name":"c",)"
            R"("resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]},"status":{}})");
  EXPECT_EQ(why(R"({"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}})"),
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  EXPECT_EQ(why(R"({"metadata":{"creationTimestamp":"x"}})"),
            "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"");
  EXPECT_EQ(through(R"({"data":{"k":"YQ=="}})", kind("", "Secret")),
            R"({"metadata":{},"data":{"k":"YQ=="}})");
  EXPECT_EQ(through(R"({"data":{"k":"!"}})", kind("", "Secret")),
            "illegal base64 data at input byte 0");
}

TEST(Json, numbers_of_untyped_values_keep_their_kind) {
  Arena arena;
  std::string out;
  encode_json_any(
      *decode_json_any("[1,1.0,1.5,1e21,1e-7,-0,9223372036854775807,9223372036854775808]", arena),
      out);
  EXPECT_EQ(out, "[1,1,1.5,1e+21,1e-7,0,9223372036854775807,9223372036854775808]");
}

TEST(Json, parts_convert_to_untyped_and_back) {
  Arena arena;
  const schema::Message& type = *kind("", "Pod")->message;
  Node* pod =
      *decode_json(R"({"metadata":{"name":"a"},"spec":{"nodeName":"n"}})", type, arena, nullptr);
  Value any = to_any(type, *pod, arena);
  EXPECT_EQ(any.as_node().find("spec").as_node().find("nodeName").as_text(), "n");
  Result<Node*> back = from_any(any, type, arena, nullptr);
  ASSERT_TRUE(back);
  EXPECT_TRUE(
      equal(Value::of_node(ValueType::kStruct, pod), Value::of_node(ValueType::kStruct, *back)));
}

TEST(Json, depth_is_bounded) {
  Arena arena;
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(decode_json_any(nested(kMaxTreeDepth), arena));
  EXPECT_EQ(decode_json_any(nested(kMaxTreeDepth + 1), arena).error().message(),
            "exceeded max depth");
  // What is kept as text or stepped over may be as deep as Go allows.
  EXPECT_EQ(why("{\"zz\":" + nested(kMaxJsonDepth - 1) + "}"), "ok");
  EXPECT_EQ(why("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"zz\":" + nested(kMaxJsonDepth) + "}"),
            "exceeded max depth");
  EXPECT_EQ(why("{\"metadata\":" + std::string(3'000'000, '{')),
            "couldn't get version/kind; json parse error: invalid character '{' looking for "
            "beginning of object key string");
}

TEST(Json, cve_2019_11253_deep_json_is_refused_fast) {
  std::string deep = std::string(1'500'000, '[') + std::string(1'500'000, ']');
  Arena arena;
  auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(decode_json_any(deep, arena));
  EXPECT_FALSE(decode_object(Format::kJson, "{\"a\":" + deep + "}", nullptr, nullptr));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_LT(arena.bytes(), 4u << 20);
}

TEST(Json, descending_map_keys_take_no_quadratic_time) {
  std::string text = "{\"data\":{";
  for (int i = 300'000; i > 0; --i) text += "\"" + std::to_string(1'000'000 + i) + "\":\"\",";
  text += "\"a\":\"\"}}";
  auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(decode_object(Format::kJson, text, kind("", "ConfigMap"), nullptr));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace tiphys::codec
