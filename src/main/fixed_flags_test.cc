#include "main/fixed_flags.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

std::string told(const std::vector<std::string>& arguments) {
  FixedFlags fixed;
  FlagSet set;
  fixed.add_to(set);
  EXPECT_TRUE(set.parse(arguments));
  Result<void> checked = fixed.check();
  return checked ? "" : checked.error().message();
}

TEST(FixedFlags, WhatIsSoAnywayMayBeSaid) {
  EXPECT_EQ(told({}), "");
  EXPECT_EQ(told({"--logging-format=text", "--permit-port-sharing=false", "--vmodule="}), "");
}

TEST(FixedFlags, AnythingElseIsRefusedByName) {
  EXPECT_EQ(told({"--logging-format=json"}), R"(--logging-format=json: only "text" is supported)");
  EXPECT_EQ(told({"--permit-port-sharing"}),
            R"(--permit-port-sharing=true: only "false" is supported)");
}

}  // namespace
}  // namespace tiphys
