#include "net/spdy_filter.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "net/pipe_stream.h"

namespace tiphys::net {
namespace {

class SpdyFilterTest : public testing::Test {
 protected:
  SpdyFilterTest() {
    auto [ours, theirs] = PipeStream::make(loop_);
    client_ = std::move(ours);
    filter_ = std::make_unique<SpdyFilter>(std::move(theirs));
  }
  // What a server reads after the client wrote `bytes`: "1:3 0:3'x'." or "!" and what is wrong.
  std::string passes(std::string bytes) {
    StopSource enough;
    (void)loop_.run(client_->write(std::move(bytes), {}));
    std::string log;
    while (true) {
      auto timer = loop_.call_after(std::chrono::seconds(1), [&] { enough.request_stop(); });
      Result<std::string> read = loop_.run(filter_->read(4096, enough.token()));
      loop_.cancel(timer);
      if (!read && read.error().is_stopped()) return log;
      if (!read) return log + "!" + read.error().message();
      if (read->empty()) return log + "end";
      reader_.add(*read);
      while (auto frame = *reader_.next()) {
        log += std::to_string(int(frame->type)) + ":" + std::to_string(frame->stream);
        for (const auto& entry : frame->headers.entries()) log += entry.name + "=" + entry.value;
        if (!frame->data.empty()) log += "'" + frame->data + "'";
        log += frame->fin ? ". " : " ";
      }
    }
  }

  SimLoop loop_;
  std::unique_ptr<PipeStream> client_;
  std::unique_ptr<SpdyFilter> filter_;
  SpdyWriter writer_;
  SpdyReader reader_;
};

TEST_F(SpdyFilterTest, what_clients_say_passes) {
  Headers headers;
  headers.add("streamtype", "data");
  EXPECT_EQ(passes(*writer_.syn_stream(1, headers) + *writer_.syn_stream(3, headers, true)),
            "1:1streamtype=data 1:3streamtype=data. ");
  EXPECT_EQ(passes(spdy_data(1, "hello", false) + spdy_data(1, "", true)), "0:1'hello' 0:1. ");
  EXPECT_EQ(passes(spdy_reset(3, SpdyReset::kCancel) + spdy_ping(1) + spdy_go_away(0)),
            "3:3 6:1 7:0 ");
  // Of no use to a streaming server.
  EXPECT_EQ(passes(*writer_.syn_reply(2, headers)), "");
  EXPECT_EQ(passes(std::string("\x80\3\0\4\0\0\0\4\0\0\0\0", 12)), "");
  client_->close();
  EXPECT_EQ(passes(""), "end");
}

TEST_F(SpdyFilterTest, what_breaks_the_protocol_does_not) {
  EXPECT_EQ(passes("\x80\2garbage"), "!spdy: not version 3");
}

TEST_F(SpdyFilterTest, streams_are_bounded) {
  uint32_t id = 1;
  auto open = [&](size_t count, bool fin) {
    std::string bytes;
    for (size_t i = 0; i < count; ++i, id += 2) bytes += *writer_.syn_stream(id, {}, fin);
    return passes(std::move(bytes));
  };
  EXPECT_EQ(open(3 * kMaxSpdyStreams, true).find('!'), std::string::npos);
  EXPECT_EQ(open(kMaxSpdyStreams, false).find('!'), std::string::npos);
  EXPECT_EQ(passes(spdy_data(id - 2, "", true)).find('!'), std::string::npos);
  EXPECT_EQ(open(1, false).find('!'), std::string::npos);
  EXPECT_EQ(open(1, false), "!spdy: too many streams");
}

}  // namespace
}  // namespace tiphys::net
