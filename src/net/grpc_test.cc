#include "net/grpc.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/grpc_wire.h"
#include "net/test_world.h"
#include "os/files.h"

namespace tiphys::net {
namespace {

using std::chrono::milliseconds;

Task<Response> grpc_answer(EpollLoop& loop, Request request) {
  GrpcDeframer deframer;
  deframer.add(request.body);
  std::string message = (*deframer.next())->c_str();
  auto channel = std::make_shared<Channel<std::string>>(loop, 16);
  auto body = std::make_unique<ChannelBody>(channel);
  Response response;
  response.headers.add("content-type", "application/grpc");
  if (request.path == "/test/Missing") {
    response.headers.add("grpc-status", "5");
    response.headers.add("grpc-message", "no%20such thing");
    co_return response;
  }
  if (request.path == "/test/Slow") {
    co_await sleep_for(loop, std::chrono::seconds(10), request.gone);
  }
  body->fields.add("grpc-status", request.path == "/test/Late" ? "9" : "0");
  int count = request.path == "/test/Count" ? 3 : 1;
  for (int i = 0; i < count; ++i) {
    std::string framed = frame_grpc(message + std::string(request.headers.get("x-meta")));
    // Cut anywhere: messages and frames have nothing to do with each other.
    (void)channel->try_push(framed.substr(0, 3));
    (void)channel->try_push(framed.substr(3));
  }
  channel->close();
  response.stream = std::move(body);
  co_return response;
}

class GrpcTest : public testing::Test {
 protected:
  GrpcTest() {
    char name[] = "/tmp/tiphys-grpc-XXXXXX";
    folder_ = mkdtemp(name);
    EXPECT_TRUE(server_.listen_unix(folder_ + "/s"));
    channel_ = std::make_unique<GrpcChannel>(loop_, "unix://" + folder_ + "/s");
  }
  ~GrpcTest() override {
    run_task(loop_, channel_->stop());
    run_task(loop_, server_.stop(std::chrono::seconds(1)));
    EXPECT_FALSE(os::exists(folder_ + "/s"));
    EXPECT_TRUE(os::remove_tree(folder_));
  }
  EpollLoop loop_;
  std::string folder_;
  Server server_{loop_, nullptr, [this](Request r) { return grpc_answer(loop_, std::move(r)); }};
  std::unique_ptr<GrpcChannel> channel_;
};

TEST_F(GrpcTest, UnaryCallsShareAConnection) {
  Headers metadata;
  metadata.add("x-meta", "!");
  for (int i = 0; i < 100; ++i) {
    auto answer =
        run_task(loop_, channel_->unary("/test/Echo", "hello", milliseconds(5000), {}, metadata));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(*answer, "hello!");
  }
}

TEST_F(GrpcTest, LargeMessage) {
  std::string large(2'000'000, 'z');
  auto answer = run_task(loop_, channel_->unary("/test/Echo", large, milliseconds(5000)));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(*answer, large);
}

TEST_F(GrpcTest, ErrorsCarryCodeAndMessage) {
  auto missing = run_task(loop_, channel_->unary("/test/Missing", "", milliseconds(0)));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason(), "NotFound");
  EXPECT_EQ(missing.error().code(), 404);
  EXPECT_EQ(missing.error().message(), "no such thing");
  auto late = run_task(loop_, channel_->unary("/test/Late", "x", milliseconds(0)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason(), "FailedPrecondition");
}

TEST_F(GrpcTest, DeadlineAndStop) {
  auto late = run_task(loop_, channel_->unary("/test/Slow", "x", milliseconds(30)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason(), "DeadlineExceeded");
  StopSource source;
  loop_.call_after(milliseconds(30), [&] { source.request_stop(); });
  auto stopped =
      run_task(loop_, channel_->unary("/test/Slow", "x", milliseconds(0), source.token()));
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(stopped.error().is_stopped());
}

Task<int> count_messages(GrpcChannel* channel) {
  auto stream = co_await channel->server_stream("/test/Count", "x");
  if (!stream) co_return -1;
  int count = 0;
  while (true) {
    auto message = co_await (*stream)->next({});
    if (!message) co_return -2;
    if (!*message) co_return count;
    ++count;
  }
}

TEST_F(GrpcTest, ServerStreamEndsOk) {
  EXPECT_EQ(run_task(loop_, count_messages(channel_.get())), 3);
}

TEST_F(GrpcTest, NobodyListens) {
  GrpcChannel nobody(loop_, "unix://" + folder_ + "/none");
  auto answer = run_task(loop_, nobody.unary("/test/Echo", "x", milliseconds(1000)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "Unavailable");
  EXPECT_EQ(answer.error().message(),
            "dial unix " + folder_ + "/none: connect: no such file or directory");
}

TEST(GrpcDeframer, RefusesCompressedAndHuge) {
  GrpcDeframer compressed;
  compressed.add(std::string("\x01\0\0\0\x01x", 6));
  EXPECT_FALSE(compressed.next());
  GrpcDeframer huge;
  huge.add(std::string("\0\xff\xff\xff\xff", 5));
  EXPECT_FALSE(huge.next());
  GrpcDeframer half;
  half.add(std::string("\0\0\0\0\x02x", 6));
  EXPECT_EQ(half.next().value(), std::nullopt);
  EXPECT_FALSE(half.empty());
}

TEST(GrpcTimeout, HasAtMostEightDigits) {
  EXPECT_EQ(grpc_timeout(milliseconds(1)), "1000u");
  EXPECT_EQ(grpc_timeout(std::chrono::seconds(100)), "100000m");
  EXPECT_EQ(grpc_timeout(std::chrono::hours(1000)), "3600000S");
}

}  // namespace
}  // namespace tiphys::net
