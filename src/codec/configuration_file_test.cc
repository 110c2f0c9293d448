// What every component does with its configuration file, by a kind of the API.
#include "codec/configuration_file.h"

#include <gtest/gtest.h>

#include "schema/resource.h"

namespace tiphys::codec {
namespace {

const Scheme& scheme() {
  static const Scheme kScheme{{schema::find_resource("", "v1", "configmaps")->type, 1}, "a scheme"};
  return kScheme;
}

std::string wrong(const std::string& text) {
  Result<Draft> read = decode_configuration(scheme(), text);
  return read ? "" : read.error().message();
}

TEST(ConfigurationFile, YamlAndJsonAreReadStrictly) {
  EXPECT_EQ(wrong("apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n"), "");
  EXPECT_EQ(wrong(R"( {"apiVersion": "v1", "kind": "ConfigMap"})"), "");
  EXPECT_EQ(
      wrong(R"({"apiVersion": "v1", "kind": "ConfigMap", "x": 1, "immutable": true, "y": 2})"),
      R"(strict decoding error: unknown field "x", unknown field "y")");
  EXPECT_EQ(wrong("apiVersion: v1\nkind: Pod\n"),
            "no kind \"Pod\" is registered for version \"v1\" in scheme \"a scheme\"");
  EXPECT_EQ(wrong(std::string(kMaxConfigurationBytes + 1, ' ')),
            "the configuration is larger than 3145728 bytes");
}

TEST(ConfigurationFile, ACallerMayTakeTheNotes) {
  DecodeNotes notes;
  EXPECT_TRUE(decode_configuration(scheme(), "apiVersion: v1\nkind: ConfigMap\nx: 1\n", &notes));
  EXPECT_EQ(notes.problems, (std::vector<std::string>{"unknown field \"x\""}));
}

TEST(ConfigurationFile, FieldsAreLaidOver) {
  Arena arena;
  Value base = *configuration_values("a: {b: 1, c: [1, 2]}\nd: x\n", arena);
  Value patch = *configuration_values(R"({"a": {"c": [3], "e": {"f": null}}, "d": null})", arena);
  std::string text;
  encode_json_any(lay_over(arena, base, patch), text);
  EXPECT_EQ(text, R"({"a":{"b":1,"c":[3],"e":{}}})");
}

}  // namespace
}  // namespace tiphys::codec
