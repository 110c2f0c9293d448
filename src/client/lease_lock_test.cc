#include "client/lease_lock.h"

#include <gtest/gtest.h>

namespace tiphys::client {
namespace {

using std::chrono::seconds;

std::string problem(Duration lease, Duration renew, Duration retry) {
  LeaseLock::Options options;
  options.lease_duration = lease;
  options.renew_deadline = renew;
  options.retry_period = retry;
  Result<void> checked = options.check();
  return checked ? "" : checked.error().message();
}

TEST(LeaseLockOptions, TimesThatKeepOneLeader) {
  EXPECT_EQ(LeaseLock::Options().check().has_value(), true);
  EXPECT_EQ(problem(seconds(15), seconds(10), seconds(2)), "");
  EXPECT_EQ(problem(seconds(10), seconds(10), seconds(2)),
            "leaseDuration must be greater than renewDeadline");
  EXPECT_EQ(problem(seconds(15), seconds(12), seconds(10)),
            "renewDeadline must be greater than retryPeriod*JitterFactor");
  EXPECT_EQ(problem(seconds(15), seconds(10), seconds(0)), "retryPeriod must be greater than zero");
}

}  // namespace
}  // namespace tiphys::client
