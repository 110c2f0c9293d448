// Time, durations, strings, encodings, random names and metrics.
#include <gtest/gtest.h>

#include <set>

#include "base/metrics.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/time_math.h"

namespace tiphys {
namespace {

TEST(Time, formats_and_parses_rfc3339) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(format_rfc3339_micro(1'199'149'261'000'005), "2008-01-01T01:01:01.000005Z");
  EXPECT_EQ(parse_rfc3339("2008-01-01T01:01:01.0000059Z").value(), 1'199'149'261'000'005);
  EXPECT_EQ(parse_rfc3339("2008-01-01T02:01:01+01:00").value(), 1'199'149'261'000'000);
}

TEST(Time, errors_read_as_in_go) {
  auto why = [](std::string_view text) { return parse_rfc3339(text).error().message(); };
  EXPECT_EQ(why("x"),
            "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"");
  EXPECT_EQ(why("2008-13-01T00:00:00Z"),
            "parsing time \"2008-13-01T00:00:00Z\": month out of range");
  EXPECT_EQ(why("2008-02-30T00:00:00Z"), "parsing time \"2008-02-30T00:00:00Z\": day out of range");
  EXPECT_EQ(why("2008-01-01T00:00:00"),
            "parsing time \"2008-01-01T00:00:00\" as \"2006-01-02T15:04:05Z07:00\": cannot parse "
            "\"\" as \"Z07:00\"");
  EXPECT_EQ(why("2008-01-01T00:00:00Zx"),
            "parsing time \"2008-01-01T00:00:00Zx\": extra text: \"x\"");
}

TEST(Time, sums_stop_at_the_ends) {
  MicroTime last = parse_rfc3339("9999-12-31T23:59:59Z").value();
  MicroTime first = parse_rfc3339("0001-01-01T00:00:00Z").value();
  EXPECT_EQ(seconds_after(1, 2), 1 + 2 * kMicrosPerSecond);
  EXPECT_EQ(seconds_after(1, -2), 1 - 2 * kMicrosPerSecond);
  EXPECT_EQ(seconds_after(0, INT64_MAX), last);
  EXPECT_EQ(seconds_after(first, INT64_MAX), last);
  EXPECT_EQ(seconds_after(INT64_MAX, INT64_MIN), first);
  EXPECT_EQ(time_between(1, 3), std::chrono::microseconds(2));
  EXPECT_EQ(time_between(first, last), Duration::max());
  EXPECT_EQ(time_between(last, first), Duration::min());
  EXPECT_EQ(time_between(INT64_MIN, INT64_MAX), Duration::max());
  EXPECT_EQ(bounded_seconds(-3), std::chrono::seconds(-3));
  EXPECT_GT(bounded_seconds(INT64_MAX) + bounded_seconds(INT64_MAX), bounded_seconds(INT64_MAX));
}

TEST(GoDuration, round_trips) {
  for (const char* text :
       {"0s", "1ns", "1.1\xc2\xb5s", "2.2ms", "3.3s", "4m5s", "4m5.001s", "5h6m7.001s", "-1h0m0s",
        "2562047h47m16.854775807s", "-2562047h47m16.854775808s"}) {
    EXPECT_EQ(format_go_duration(parse_go_duration(text).value()), text);
  }
  EXPECT_EQ(parse_go_duration("1.5h").value(), std::chrono::minutes(90));
  EXPECT_EQ(parse_go_duration("x").error().message(), "time: invalid duration \"x\"");
  EXPECT_EQ(parse_go_duration("1").error().message(), "time: missing unit in duration \"1\"");
  EXPECT_EQ(parse_go_duration("1y").error().message(),
            "time: unknown unit \"y\" in duration \"1y\"");
  EXPECT_FALSE(parse_go_duration("9999999999h"));
}

TEST(Strings, encodings_round_trip) {
  for (std::string text : {"", "a", "ab", "abc", "\xff\x00\x10"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
    EXPECT_EQ(base64url_decode(base64url_encode(text)), text);
    EXPECT_EQ(percent_decode(percent_encode(text), false), text);
  }
  EXPECT_EQ(base64_encode("ab"), "YWI=");
  EXPECT_FALSE(base64_decode("YWI"));
  EXPECT_FALSE(base64_decode("YW=I"));
  EXPECT_FALSE(percent_decode("%4", false));
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
}

TEST(Strings, numbers_are_whole_or_nothing) {
  EXPECT_EQ(parse_int("-5"), -5);
  EXPECT_FALSE(parse_int("5x"));
  EXPECT_FALSE(parse_int(""));
  EXPECT_FALSE(parse_int("9223372036854775808"));
}

TEST(Strings, utf8_is_checked) {
  EXPECT_TRUE(is_valid_utf8("aäöü€😀 and much longer than eight bytes"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
  EXPECT_EQ(go_quote("a\"\\\n\x01\xff"), "\"a\\\"\\\\\\n\\x01\\xff\"");
}

TEST(Random, seeds_reproduce_and_names_differ) {
  SeededRandom a(1);
  SeededRandom b(1);
  EXPECT_EQ(a.uuid(), b.uuid());
  EXPECT_EQ(a.uuid()[14], '4');
  SystemRandom system;
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) names.insert(system.name_suffix());
  EXPECT_GT(names.size(), 95u);
  EXPECT_EQ(names.begin()->size(), 5u);
  EXPECT_LT(system.below(3), 3u);
}

TEST(Metrics, are_written_as_prometheus_text) {
  MetricRegistry metrics;
  metrics.counter("requests_total", "All\nof them.", {"verb"}).with({"G\"ET"}).add(2);
  metrics.gauge("inflight", "Now.").get().set(1.5);
  auto& seconds = metrics.histogram("seconds", "Time.", {}, {0.1, 1});
  for (double s : {0.1, 0.5, 7.0}) seconds.get().observe(s);
  EXPECT_EQ(metrics.text(),
            "# HELP requests_total All\\nof them.\n# TYPE requests_total counter\n"
            "requests_total{verb=\"G\\\"ET\"} 2\n"
            "# HELP inflight Now.\n# TYPE inflight gauge\ninflight 1.5\n"
            "# HELP seconds Time.\n# TYPE seconds histogram\n"
            "seconds_bucket{le=\"0.1\"} 1\nseconds_bucket{le=\"1\"} 2\n"
            "seconds_bucket{le=\"+Inf\"} 3\nseconds_sum 7.6\nseconds_count 3\n");
}

TEST(Metrics, label_sets_are_bounded) {
  MetricRegistry metrics;
  auto& family = metrics.counter("c", "", {"l"});
  for (size_t i = 0; i < MetricFamilyBase::kMaxSeries + 10; ++i) {
    family.with({std::to_string(i)}).add();
  }
  EXPECT_EQ(family.with({"other"}).value(), 10);
}

}  // namespace
}  // namespace tiphys
