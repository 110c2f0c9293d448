#include "apiserver/audit/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/audit/fake_sink.h"
#include "net/test_world.h"

namespace tiphys::apiserver::audit {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class BackendTest : public testing::Test {
 protected:
  Backend& start(BackendOptions options) {
    auto sink = std::make_unique<FakeSink>();
    sink_ = sink.get();
    stopped_ = false;
    backend_ = std::make_unique<Backend>(loop_, pool_, std::move(sink), options);
    return *backend_;
  }
  void TearDown() override { stop(); }
  void stop() {
    if (std::exchange(stopped_, true)) return;
    sink_->block(false);
    net::run_task(loop_, backend_->stop());
  }
  static Event event(const std::string& id, Level level = Level::kMetadata) {
    Event event;
    event.audit_id = id;
    event.level = level;
    return event;
  }
  bool write(Event event) { return net::run_task(loop_, backend_->write(std::move(event))); }

  EpollLoop loop_;
  WorkerPool pool_{1};
  FakeSink* sink_ = nullptr;
  bool stopped_ = true;
  std::unique_ptr<Backend> backend_;
};

TEST_F(BackendTest, BlockingWaitsForTheWrite) {
  start({.mode = Mode::kBlocking});
  EXPECT_TRUE(write(event("a")));
  ASSERT_THAT(sink_->lines(), SizeIs(1));
  EXPECT_THAT(sink_->lines()[0], HasSubstr("\"auditID\":\"a\""));
  sink_->fail(true);
  EXPECT_TRUE(write(event("b"))) << "blocking goes on after a failure";
  EXPECT_EQ(backend_->counts().lost_by_log, 1u);
}

TEST_F(BackendTest, StrictTellsOfAFailure) {
  start({.mode = Mode::kBlockingStrict});
  EXPECT_TRUE(write(event("a")));
  sink_->fail(true);
  EXPECT_FALSE(write(event("b")));
  sink_->fail(false);
  EXPECT_TRUE(write(event("c")));
  EXPECT_THAT(sink_->lines(), SizeIs(2));
}

TEST_F(BackendTest, ABatchBufferIsBounded) {
  start({.mode = Mode::kBatch, .buffer_size = 3});
  sink_->block(true);
  EXPECT_TRUE(write(event("first")));  // taken out of the buffer at once
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(write(event(std::to_string(i))));
  EXPECT_EQ(backend_->counts().lost_by_buffer, 2u);
  stop();
  EXPECT_THAT(sink_->lines(), SizeIs(4)) << "what waited is written at the end";
  EXPECT_THAT(sink_->lines()[3], HasSubstr("\"auditID\":\"2\""));
}

TEST_F(BackendTest, WhatWaitsIsBoundedInBytes) {
  start({.mode = Mode::kBlockingStrict});
  Event large = event("large");
  large.user_agent = std::string(kMaxPendingBytes, 'x');
  EXPECT_FALSE(write(std::move(large)));
  EXPECT_EQ(backend_->counts().lost_by_buffer, 1u);
}

TEST_F(BackendTest, ABatchIsWaitedFor) {
  start({.mode = Mode::kBatch, .batch_max_size = 2, .batch_max_wait = std::chrono::hours(1)});
  write(event("a"));
  EXPECT_THAT(sink_->lines(), SizeIs(0));
  write(event("b"));
  write(event("c"));
  stop();
  EXPECT_THAT(sink_->lines(), SizeIs(3));
}

TEST_F(BackendTest, LargeEventsLoseTheirObjects) {
  start({.max_event_bytes = 600});
  Event large = event("a", Level::kRequest);
  large.request_object = std::make_shared<const std::string>("\"" + std::string(600, 'x') + "\"");
  EXPECT_TRUE(write(large));
  ASSERT_THAT(sink_->lines(), SizeIs(1));
  EXPECT_THAT(sink_->lines()[0],
              HasSubstr("\"annotations\":{\"audit.k8s.io/truncated\":\"true\"}"));
  EXPECT_THAT(sink_->lines()[0], testing::Not(HasSubstr("requestObject")));
  large.user_agent = std::string(600, 'y');
  EXPECT_TRUE(write(large));
  EXPECT_THAT(sink_->lines(), SizeIs(1));
  EXPECT_EQ(backend_->counts().lost_by_truncate, 1u);
}

TEST_F(BackendTest, NothingIsTakenAfterTheEnd) {
  start({.mode = Mode::kBlocking});
  stop();
  backend_->post(event("late"));
  EXPECT_THAT(sink_->lines(), SizeIs(0));
  EXPECT_EQ(backend_->counts().lost_by_buffer, 1u);
}

}  // namespace
}  // namespace tiphys::apiserver::audit
