#include "net/tunnel.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "net/pipe_stream.h"

namespace tiphys::net {
namespace {

// The end of a pipe that the test can make hang up.
class Hanging : public ByteStream {
 public:
  Hanging(std::unique_ptr<ByteStream> stream, std::function<void()>& hang_up)
      : stream_(std::move(stream)), hang_up_(hang_up) {}
  Task<Result<std::string>> read(size_t max_bytes, StopToken stop) override {
    co_return co_await stream_->read(max_bytes, std::move(stop));
  }
  Task<Result<void>> write(std::string bytes, StopToken stop) override {
    co_return co_await stream_->write(std::move(bytes), std::move(stop));
  }
  void close() override { stream_->close(); }
  void on_hang_up(std::function<void()> callback) override { hang_up_ = std::move(callback); }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::function<void()>& hang_up_;
};

class TunnelTest : public testing::Test {
 protected:
  void open(Duration idle_timeout = Duration::zero()) {
    auto [client, inner_client] = PipeStream::make(loop_);
    auto [backend, inner_backend] = PipeStream::make(loop_);
    client_ = std::move(client);
    backend_ = std::move(backend);
    spawn(run(std::make_unique<Hanging>(std::move(inner_client), hang_up_),
              std::move(inner_backend), idle_timeout));
  }
  Task<void> run(std::unique_ptr<ByteStream> client, std::unique_ptr<ByteStream> backend,
                 Duration idle_timeout) {
    co_await run_tunnel(loop_, std::move(client), std::move(backend), stop_.token(), idle_timeout);
    over_ = true;
  }
  bool write(ByteStream& to, std::string bytes) {
    return loop_.run(to.write(std::move(bytes), {})).has_value();
  }
  std::string read(ByteStream& from) { return loop_.run(from.read(1000, {})).value_or("broken"); }
  // Writes until the tunnel takes no more.
  void fill(PipeStream& from) {
    StopSource enough;
    while (!enough.stop_requested()) {
      auto timer = loop_.call_after(std::chrono::seconds(1), [&] { enough.request_stop(); });
      (void)loop_.run(from.write("x", enough.token()));
      loop_.cancel(timer);
    }
  }

  SimLoop loop_;
  StopSource stop_;
  std::unique_ptr<PipeStream> client_;
  std::unique_ptr<PipeStream> backend_;
  std::function<void()> hang_up_;
  bool over_ = false;
};

TEST_F(TunnelTest, bytes_go_both_ways_until_one_side_ends) {
  open();
  write(*client_, "to the backend");
  EXPECT_EQ(read(*backend_), "to the backend");
  write(*backend_, "and back");
  EXPECT_EQ(read(*client_), "and back");
  write(*backend_, "last words");
  backend_->close();
  EXPECT_EQ(read(*client_), "last words");
  EXPECT_EQ(read(*client_), "");
  loop_.run_ready();
  EXPECT_TRUE(over_);
}

TEST_F(TunnelTest, stop_closes_both_sides) {
  open();
  loop_.run_ready();
  stop_.request_stop();
  loop_.run_ready();
  EXPECT_TRUE(over_);
  EXPECT_FALSE(write(*client_, "x"));
  EXPECT_FALSE(write(*backend_, "x"));
}

TEST_F(TunnelTest, idleness_ends_it) {
  open(std::chrono::hours(4));
  loop_.run_for(std::chrono::hours(3));
  write(*client_, "x");
  loop_.run_for(std::chrono::minutes(239));
  EXPECT_FALSE(over_);
  loop_.run_for(std::chrono::minutes(2));
  EXPECT_TRUE(over_);
}

TEST_F(TunnelTest, a_client_that_hung_up_is_waited_for_as_long_as_something_moves) {
  open();
  fill(*client_);
  ASSERT_TRUE(hang_up_);
  hang_up_();
  for (int i = 0; i < 5; ++i) {
    loop_.run_for(kHangUpGrace - std::chrono::seconds(5));
    EXPECT_FALSE(over_);
    EXPECT_EQ(read(*backend_), "x");
  }
  loop_.run_for(kHangUpGrace);
  loop_.run_ready();
  EXPECT_TRUE(over_);
}

TEST_F(TunnelTest, a_side_that_reads_nothing_holds_the_other_back) {
  open();
  fill(*backend_);
  fill(*client_);
  EXPECT_FALSE(over_);
  EXPECT_EQ(read(*client_), "x");
  EXPECT_EQ(read(*backend_), "x");
  backend_->close();
  client_->close();
  loop_.run_ready();
  EXPECT_TRUE(over_);
}

}  // namespace
}  // namespace tiphys::net
