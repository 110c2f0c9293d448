// Upstream's round-trip fixtures of every kind: JSON, YAML and protobuf each decode to the same
// tree, and each encodes to the fixture's bytes. ../shared/facts where present, and the smaller set
// in src/codec/testdata always.
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <filesystem>
#include <fstream>

#include "codec/codec.h"
#include "codec/json_reader.h"

namespace tiphys::codec {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string encoded(Format format, const Draft& draft) {
  std::string out;
  encode_object(format, draft.type(), draft.root(), draft.gvk(), out);
  return out;
}

std::string first_difference(const std::string& a, const std::string& b) {
  size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  size_t from = i < 60 ? 0 : i - 60;
  return "at " + std::to_string(i) + ": ..." + a.substr(from, 160) + "\n vs ..." +
         b.substr(from, 160);
}

// The fixtures are the bare types'; what the API server's conversion adds to claims inside
// StatefulSets is not in them.
std::string without_claim_types(std::string text) {
  static const RE2 kJson(R"re(\[\{"kind":"PersistentVolumeClaim","apiVersion":"v1",)re");
  static const RE2 kYaml(R"re(- apiVersion: v1\n +kind: PersistentVolumeClaim\n +)re");
  RE2::Replace(&text, kJson, "[{");
  RE2::Replace(&text, kYaml, "- ");
  return text;
}

class Fixtures : public testing::Test {
 protected:
  int run(const std::filesystem::path& folder) {
    int count = 0;
    if (!std::filesystem::exists(folder)) return 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".json") continue;
      round_trip(entry.path());
      ++count;
    }
    return count;
  }

  void round_trip(const std::filesystem::path& json_path) {
    auto with = [&](const char* extension) {
      return read_file(std::filesystem::path(json_path).replace_extension(extension));
    };
    SCOPED_TRACE(json_path.filename());
    std::string json;
    append_compact_json(with(".json"), true, json);
    std::string yaml = with(".yaml");
    std::string protobuf = with(".pb");
    DecodeNotes notes;
    check(Format::kJson, json, json, yaml, protobuf, &notes);
    check(Format::kYaml, yaml, json, yaml, protobuf, &notes);
    check(Format::kProtobuf, protobuf, json, yaml, protobuf, &notes);
    EXPECT_TRUE(notes.problems.empty()) << notes.problems[0];
  }

  void check(Format format, const std::string& input, const std::string& json,
             const std::string& yaml, const std::string& protobuf, DecodeNotes* notes) {
    SCOPED_TRACE(testing::Message() << "from format " << static_cast<int>(format));
    // The only kind that does not name itself.
    const schema::Kind* watch_event = schema::find_kind("", "v1", "WatchEvent");
    bool anonymous = json.starts_with("{\"type\"");
    Result<Draft> draft = decode_object(format, input, anonymous ? watch_event : nullptr, notes);
    ASSERT_TRUE(draft) << draft.error().message();
    std::string out = without_claim_types(encoded(Format::kJson, *draft));
    EXPECT_TRUE(out == json) << first_difference(out, json);
    out = without_claim_types(encoded(Format::kYaml, *draft));
    EXPECT_TRUE(out == yaml) << first_difference(out, yaml);
    out = encoded(Format::kProtobuf, *draft);
    EXPECT_TRUE(out == protobuf) << first_difference(out, protobuf);
    ObjectPtr object = draft->freeze();
    EXPECT_TRUE(*encode_shared(Format::kProtobuf, *object) == protobuf);
    EXPECT_TRUE(encode_shared(Format::kJson, *object) == encode_shared(Format::kJson, *object));
  }
};

TEST_F(Fixtures, all_of_upstream_where_present) {
  int count = run("../shared/facts/v1.35/fixtures");
  if (count == 0) GTEST_SKIP() << "no ../shared/facts/v1.35/fixtures";
  EXPECT_EQ(count, 166);
}

TEST_F(Fixtures, own_selection) { EXPECT_GE(run("src/codec/testdata"), 8); }

}  // namespace
}  // namespace tiphys::codec
