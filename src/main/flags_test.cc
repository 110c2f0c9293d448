#include "main/flags.h"

#include <gtest/gtest.h>

#include "main/client_flags.h"

namespace tiphys {
namespace {

struct Line {
  std::string text = "default";
  bool flag = false;
  int64_t number = 7;
  double share = 0.55;
  Duration duration = std::chrono::seconds(5);
  std::vector<std::string> list = {"a"};
  FlagSet flags;

  Line() {
    flags.add("text", text, "a text");
    flags.add("flag", flag, "a switch");
    flags.add("v", number, "verbosity");
    flags.add_short('v', "v");
    flags.add("share", share, "of all");
    flags.add("wait", duration, "how long");
    flags.add("list", list, "several");
  }
  std::string parse(std::vector<std::string> arguments) {
    Result<void> result = flags.parse(arguments);
    return result ? "" : result.error().message();
  }
};

TEST(FlagSet, ReadsEveryForm) {
  Line line;
  EXPECT_EQ(line.parse({"--text", "x", "--flag", "-v=2", "--wait=1m30s", "--list=b,c", "--list",
                        "d", "--share=0.25", "rest", "--", "--flag=false"}),
            "");
  EXPECT_EQ(line.text, "x");
  EXPECT_TRUE(line.flag);
  EXPECT_EQ(line.number, 2);
  EXPECT_EQ(line.share, 0.25);
  EXPECT_EQ(line.duration, std::chrono::seconds(90));
  EXPECT_EQ(line.list, (std::vector<std::string>{"b", "c", "d"}));
  EXPECT_EQ(line.flags.positional(), (std::vector<std::string>{"rest", "--flag=false"}));
  EXPECT_TRUE(line.flags.was_set("text"));
}

TEST(FlagSet, SaysWhatIsWrong) {
  EXPECT_EQ(Line().parse({"--nope"}), "unknown flag: --nope");
  EXPECT_EQ(Line().parse({"--text"}), "flag needs an argument: --text");
  EXPECT_EQ(Line().parse({"--v=x"}),
            "invalid argument \"x\" for \"--v\" flag: strconv.ParseInt: parsing \"x\": invalid "
            "syntax");
  EXPECT_EQ(Line().parse({"--share=nan"}),
            "invalid argument \"nan\" for \"--share\" flag: strconv.ParseFloat: parsing \"nan\": "
            "invalid syntax");
  EXPECT_EQ(Line().parse({"--flag=maybe"}),
            "invalid argument \"maybe\" for \"--flag\" flag: strconv.ParseBool: parsing "
            "\"maybe\": invalid syntax");
}

TEST(FlagSet, HelpListsFlagsWithDefaults) {
  Line line;
  EXPECT_EQ(line.parse({"-h"}), "");
  EXPECT_TRUE(line.flags.help_requested());
  EXPECT_NE(line.flags.usage().find("--wait duration"), std::string::npos);
  EXPECT_NE(line.flags.usage().find("(default 5s)"), std::string::npos);
  EXPECT_NE(line.flags.usage().find("(default 0.55)"), std::string::npos);
}

TEST(ClientFlags, limits_and_content_types_that_cannot_be_are_refused) {
  auto parsed = [](const std::vector<std::string>& arguments) -> Result<void> {
    ClientFlags flags{.limit = {.qps = 20, .burst = 30}};
    FlagSet set;
    flags.add_to(set);
    Result<void> done = set.parse(arguments);
    return done ? flags.check() : done;
  };
  EXPECT_TRUE(parsed({}));
  EXPECT_TRUE(parsed({"--kube-api-qps=-1"})) << "no limit";
  EXPECT_TRUE(parsed({"--kube-api-qps=0", "--kube-api-burst=0"})) << "client-go's own";
  EXPECT_TRUE(parsed({"--kube-api-qps=0.5", "--kube-api-burst=1"}));
  EXPECT_TRUE(parsed({"--kube-api-content-type=application/json"}));
  EXPECT_FALSE(parsed({"--kube-api-burst=0"}));
  EXPECT_FALSE(parsed({"--kube-api-burst=-1"}));
  EXPECT_FALSE(parsed({"--kube-api-content-type=text/plain"}));
}

}  // namespace
}  // namespace tiphys
