#include <gtest/gtest.h>

#include "apiserver/validation/device_expressions.h"
#include "apiserver/validation/policy_expressions.h"

namespace tiphys::apiserver {
namespace {

TEST(DeviceExpressions, SelectByAttributesAndCapacity) {
  EXPECT_EQ(check_device_expression("device.driver == 'a.b'"), "");
  EXPECT_EQ(check_device_expression("device.attributes['a.b'].model == 'x'"), "");
  EXPECT_EQ(check_device_expression("device.attributes['a.b'].on"), "");
  EXPECT_EQ(check_device_expression("device.capacity['a.b'].memory.isLessThan(quantity('1Gi'))"),
            "");
  EXPECT_EQ(check_device_expression("cel.bind(a, device.attributes['a.b'], a.x && a.y)"), "");
  EXPECT_EQ(check_device_expression("device.driver"),
            "must evaluate to bool or the unknown type, not string");
  EXPECT_EQ(check_device_expression("device.name == 'a'"),
            "compilation failed: ERROR: <input>:1:7: undefined field 'name'\n"
            " | device.name == 'a'\n"
            " | ......^");
}

TEST(PolicyExpressions, VariablesAreKnownInTheirOrder) {
  PolicyExpressions expressions(true, true);
  EXPECT_EQ(expressions.add_variable("a", "[string(params.x), 'b']"), "");
  EXPECT_EQ(expressions.add_variable("b", "variables.a"), "");
  EXPECT_NE(expressions.add_variable("c", "variables.d"), "");
  EXPECT_EQ(expressions.check(ExpressionUse::kValidation, "variables.b.size() > variables.c"), "");
  EXPECT_NE(expressions.check(ExpressionUse::kMatchCondition, "variables.b.size() > 1"), "");
}

// Each variable's type is twice the one before.
TEST(PolicyExpressions, TypesOfVariablesMayGrow) {
  PolicyExpressions expressions(false, true);
  EXPECT_EQ(expressions.add_variable("v0", "[1]"), "");
  for (int i = 1; i < 300; ++i) {
    std::string before = "variables.v" + std::to_string(i - 1);
    EXPECT_EQ(expressions.add_variable("v" + std::to_string(i), "{" + before + ": " + before + "}"),
              "");
  }
  EXPECT_EQ(expressions.check(ExpressionUse::kValidation, "variables.v299 == variables.v299"), "");
}

}  // namespace
}  // namespace tiphys::apiserver
