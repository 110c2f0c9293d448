// Every case file below this folder, in every mode: one test a file and mode, such as
// Cases/CasesTest.run/json_apply_conflicts.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/cases/runner.h"
#include "tests/cases/server_world.h"
#include "tests/cases/tree.h"

namespace tiphys::cases {
namespace {

constexpr std::string_view kFolder = "tests/cases";

struct FileInMode {
  Mode mode;
  std::string file;
};

std::string_view name_of(Mode mode) {
  return mode == Mode::kJson ? "json" : mode == Mode::kProtobuf ? "protobuf" : "restart";
}

std::vector<FileInMode> runs() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  std::vector<FileInMode> all;
  for (Mode mode : {Mode::kJson, Mode::kProtobuf, Mode::kRestart}) {
    for (const std::string& file : files) all.push_back({mode, file});
  }
  return all;
}

// What --service-cluster-ip-range says for the files of a folder; the others' servers have IPv4.
struct FolderRanges {
  std::string_view folder;
  std::string_view ranges;
};
constexpr FolderRanges kFolderRanges[] = {
    {"dual_stack/", "10.43.0.0/16,fd00:43::/108"},
    {"ipv6/", "fd00:43::/108"},
    {"ipv6_first/", "fd00:43::/64,10.43.0.0/24"},
};

std::string ranges_of(std::string_view file) {
  file.remove_prefix(kFolder.size() + 1);
  for (const FolderRanges& row : kFolderRanges) {
    if (file.starts_with(row.folder)) return std::string(row.ranges);
  }
  return "10.43.0.0/16";
}

std::string test_name(const testing::TestParamInfo<FileInMode>& info) {
  std::string name = info.param.file.substr(kFolder.size() + 1);
  name.resize(name.size() - std::string_view(".yaml").size());
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return std::string(name_of(info.param.mode)) + "_" + name;
}

class CasesTest : public testing::TestWithParam<FileInMode> {
 protected:
  static void TearDownTestSuite() { worlds_.clear(); }
  static World& world_of(const std::string& file) {
    std::string ranges = ranges_of(file);
    std::unique_ptr<World>& world = worlds_[ranges];
    if (!world) world = std::make_unique<ServerWorld>(ranges);
    return *world;
  }
  static std::map<std::string, std::unique_ptr<World>> worlds_;
};
std::map<std::string, std::unique_ptr<World>> CasesTest::worlds_;

TEST_P(CasesTest, run) {
  const FileInMode& run = GetParam();
  std::ifstream in(run.file);
  std::stringstream text;
  text << in.rdbuf();
  auto cases = parse_cases(text.str());
  ASSERT_TRUE(cases) << run.file << ": " << cases.error().message();
  for (const Case& one : *cases) {
    if (one.json_only && run.mode == Mode::kProtobuf) continue;
    std::string found = run_case(world_of(run.file), one, run.mode);
    if (!one.pending.empty()) {
      EXPECT_NE(found, "") << run.file << ": " << one.name << " passes: take `pending` away";
    } else if (!found.empty()) {
      ADD_FAILURE() << run.file << ": " << one.name << " (" << name_of(run.mode) << "):\n" << found;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, CasesTest, testing::ValuesIn(runs()), test_name);

// ---- the runner itself: it must see what differs ----

std::string compared(const char* expected, const char* actual, bool exactly = false) {
  Arena arena;
  return difference(*codec::decode_json_any(expected, arena),
                    *codec::decode_json_any(actual, arena), exactly);
}

TEST(CasesRunner, differences_are_seen) {
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":1,"b":2})"), "");
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":1,"b":2})", true), "    $.b: unexpected 2\n");
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":"1"})"), "    $.a: expected 1, got \"1\"\n");
  EXPECT_EQ(compared(R"({"a":null})", R"({"a":0})"), "    $.a: expected nothing, got 0\n");
  EXPECT_EQ(compared(R"({"a":null})", R"({})"), "");
  EXPECT_EQ(compared(R"([1,2])", R"([1])"), "    $: expected [1,2], got [1]\n");
  EXPECT_EQ(compared(R"({"a":"<set>"})", R"({})"),
            "    $.a: expected \"\\u003cset\\u003e\", got nothing\n");
  EXPECT_EQ(compared(R"({"a":"~^b+$"})", R"({"a":"bbb"})"), "");
  EXPECT_NE(compared(R"({"a":"~^b+$"})", R"({"a":"abbb"})"), "");
}

TEST(CasesRunner, places_are_found_and_changed) {
  Arena arena;
  Value root = *codec::decode_json_any(R"({"a":[{"b.c/d":1}]})", arena);
  EXPECT_EQ(value_at(root, R"(a[0]["b.c/d"])")->as_int(), 1);
  ASSERT_TRUE(put_at(arena, root, R"(a[0]["b.c/d"])", Value::of_int(2)));
  ASSERT_TRUE(put_at(arena, root, "a[1].x.y", Value::of_int(3)));
  EXPECT_EQ(text_of(root), R"({"a":[{"b.c/d":2},{"x":{"y":3}}]})");
  ASSERT_TRUE(put_at(arena, root, "a[0]", Value()));
  EXPECT_EQ(text_of(root), R"({"a":[{"x":{"y":3}}]})");
  EXPECT_FALSE(put_at(arena, root, "a[9]", Value::of_int(1)));
  EXPECT_FALSE(value_at(root, "a[x]"));
}

TEST(CasesRunner, misspelt_cases_are_refused) {
  EXPECT_EQ(parse_cases("- case: c\n  steps: [{get: pods, expect: {statos: 1}}]").error().message(),
            "c: step 1: unknown key statos");
  EXPECT_EQ(parse_cases("- case: c\n  step: []").error().message(), "unknown key step");
  EXPECT_EQ(parse_cases("- case: c").error().message(), "c: no steps");
}

}  // namespace
}  // namespace tiphys::cases
