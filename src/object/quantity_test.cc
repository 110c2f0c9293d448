#include "object/quantity.h"

#include <gtest/gtest.h>

#include "object/int_or_string.h"

namespace tiphys {
namespace {

std::string canonical(std::string_view text) {
  Result<Quantity> q = Quantity::parse(text);
  return q ? q->text() : "error: " + q.error().message();
}

TEST(Quantity, canonical_form_is_upstreams) {
  const std::pair<const char*, const char*> kCases[] = {
      {"0", "0"},
      {"0Mi", "0"},
      {"-0", "0"},
      {"1000m", "1"},
      {"0.5", "500m"},
      {"1.5", "1500m"},
      {"1024Mi", "1Gi"},
      {"1.5Gi", "1536Mi"},
      {"1000k", "1M"},
      {"1e3", "1e3"},
      {"100e2", "10e3"},
      {"1E", "1E"},
      {"1000E", "1e21"},
      {"1024", "1024"},
      {"1Ki", "1Ki"},
      {"0.1Ki", "102400m"},
      {"1500Ki", "1500Ki"},
      {"2048Ki", "2Mi"},
      {"-1.5", "-1500m"},
      {"0.9n", "1n"},
      {"1.000000001n", "2n"},
      {".5", "500m"},
      {"5.", "5."},
      {"8Ei", "9223372036854775807"},
      {"123456789012345678901", "123456789012345678901"},
      {"1.1Mi", "1153433600m"},
      {"12e6", "12e6"},
      {"1E3", "1E3"},
      {"100Mi", "100Mi"},
      {"0.000001", "1u"},
  };
  for (auto [in, out] : kCases) EXPECT_EQ(canonical(in), out) << in;
}

TEST(Quantity, malformed_texts_are_named) {
  constexpr const char* kPattern =
      "error: quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  for (const char* bad : {"", "1x", "1 Gi", "abc", "1.2.3"}) {
    EXPECT_EQ(canonical(bad), kPattern) << bad;
  }
  for (const char* bad : {"1Kk", "1e", "1e9999999999", "1mm", "--1"}) {
    EXPECT_EQ(canonical(bad), "error: unable to parse quantity's suffix") << bad;
  }
  EXPECT_EQ(canonical(std::string(60, '9')), "error: unable to parse numeric part of quantity");
  EXPECT_EQ(canonical("8000E999999"), "error: unable to parse numeric part of quantity");
  EXPECT_EQ(canonical("8E999999"), "8E999999");
  std::string tail = "." + std::string(36, '0') + "1";
  EXPECT_EQ(canonical("99" + tail), "99000000001n");
  EXPECT_EQ(canonical("99" + tail + "E999999"), "error: unable to parse numeric part of quantity");
}

TEST(Quantity, arithmetic_is_exact) {
  Quantity sum = Quantity::of("100m") + Quantity::of("200m") + Quantity::of("0.7");
  EXPECT_EQ(sum.text(), "1");
  EXPECT_EQ(sum, Quantity(1));
  EXPECT_EQ((Quantity::of("1Gi") - Quantity::of("512Mi")).text(), "512Mi");
  EXPECT_EQ((Quantity::of("1Gi") + Quantity::of("1")).text(), "1073741825");
  EXPECT_LT(Quantity::of("999m"), Quantity::of("1"));
  EXPECT_GT(Quantity::of("1Ki"), Quantity::of("1k"));
  EXPECT_LT(Quantity::of("-1"), Quantity::of("1n"));
  EXPECT_LT(Quantity::of("1"), Quantity::of("1e900"));
}

TEST(Quantity, whole_values_round_away_from_zero_and_saturate) {
  EXPECT_EQ(Quantity::of("1m").value(), 1);
  EXPECT_EQ(Quantity::of("-1m").value(), -1);
  EXPECT_EQ(Quantity::of("1500m").value(), 2);
  EXPECT_EQ(Quantity::of("1500m").milli_value(), 1500);
  EXPECT_EQ(Quantity::of("1u").milli_value(), 1);
  EXPECT_EQ(Quantity::of("2Gi").value(), int64_t{2} << 30);
  EXPECT_EQ(Quantity::of("1e30").value(), INT64_MAX);
  EXPECT_EQ(Quantity::of("-1e300").value(), INT64_MIN);
}

TEST(IntOrString, percentages_scale) {
  Arena arena;
  EXPECT_EQ(scaled_value(arena.string("25%"), 10, true).value(), 3);
  EXPECT_EQ(scaled_value(arena.string("25%"), 10, false).value(), 2);
  EXPECT_EQ(scaled_value(Value::of_int(4), 10, false).value(), 4);
  EXPECT_FALSE(scaled_value(arena.string("x%"), 10, false));
  EXPECT_FALSE(scaled_value(arena.string("http"), 10, false));
  EXPECT_EQ(int_or_string_text(arena.string("http")), "http");
}

}  // namespace
}  // namespace tiphys
