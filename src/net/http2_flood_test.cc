// Floods over HTTP/2 (SECURITY-CASES.md): each ends with that connection closed, in bounded work,
// while another client goes on being served.
#include <gtest/gtest.h>

#include "async/gate.h"
#include "net/http1_head.h"
#include "net/raw_client.h"
#include "net/test_world.h"

namespace tiphys::net {
namespace {

using std::chrono::milliseconds;

constexpr char kData = 0, kHeaders = 1, kPriority = 2, kReset = 3, kSettings = 4, kPing = 6,
               kGoaway = 7, kWindowUpdate = 8, kContinuation = 9;
constexpr char kEndStream = 1, kEndHeaders = 4;
const std::string kGetBlock = std::string("\x82\x86\x84\x41\x01h", 6);
const std::string kPostBlock = std::string("\x83\x86\x84\x41\x01h", 6);

std::string number(uint32_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(value >> (24 - 8 * i));
  return bytes;
}
std::string frame(char type, char flags, uint32_t stream, std::string_view payload) {
  std::string head = number(static_cast<uint32_t>(payload.size())).substr(1);
  head += type;
  head += flags;
  return (head + number(stream)).append(payload);
}
std::string opening() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, ""); }
std::string get(uint32_t stream) {
  return frame(kHeaders, kEndStream | kEndHeaders, stream, kGetBlock);
}

struct Load {
  explicit Load(EpollLoop& l) : loop(l) {}
  EpollLoop& loop;
  int running = 0;
  int most_running = 0;
  int started = 0;  // those of the flood: not the other client's /quick
};

// Work that doesn't end when its client goes.
Task<Response> stubborn(Load* load, Request request) {
  if (request.path != "/quick") ++load->started;
  load->most_running = std::max(load->most_running, ++load->running);
  if (request.path != "/quick") co_await sleep_for(load->loop, milliseconds(50));
  --load->running;
  Response response;
  response.body = text(request.path == "/" ? std::string(100'000, 'x') : "quick");
  co_return response;
}

class Http2FloodTest : public testing::Test {
 protected:
  void start(ServerLimits limits = {}) {
    server_ = std::make_unique<Server>(
        loop_, nullptr, [this](Request r) { return stubborn(&load_, std::move(r)); }, limits);
    ASSERT_TRUE(server_->listen("127.0.0.1", 0));
    client_ = std::make_unique<Client>(
        loop_, ClientOptions{.address = "127.0.0.1:" + std::to_string(server_->port())});
    victim_ = std::make_unique<Gate>(loop_);
    victim_->spawn(be_served());
  }
  void TearDown() override {
    done_ = true;
    run_task(loop_, victim_->close());
    run_task(loop_, client_->stop());
    run_task(loop_, server_->stop(milliseconds(200)));
    EXPECT_EQ(load_.running, 0);
    EXPECT_GT(served_, 0);
    EXPECT_LT(slowest_, milliseconds(10'000)) << "others must not feel the flood";
  }
  // The other client: one small request after another while the flood goes on.
  Task<void> be_served() {
    while (!done_) {
      MonoTime before = loop_.mono();
      Result<Response> answer = co_await client_->send(make_get("/quick"), false, {});
      EXPECT_TRUE(answer) << answer.error().message();
      if (answer) EXPECT_EQ(answer->status, 200);
      slowest_ = std::max(slowest_, loop_.mono() - before);
      ++served_;
      co_await sleep_for(loop_, milliseconds(1));
    }
  }
  // Sends what `piece` makes until the server closes; returns how many went out.
  int flood(std::function<std::string(int)> piece, int limit = 2'000'000) {
    int sent = 0;
    uint16_t port = server_->port();
    with_loop(loop_, [&] {
      RawClient attacker(port);
      attacker.send(opening());
      while (sent < limit && attacker.send(piece(sent))) ++sent;
      answer_ = attacker.rest();
    });
    return sent;
  }
  bool saw_goaway() const {
    std::string head{kGoaway, 0};
    return answer_.find(head + number(0)) != std::string::npos;
  }

  EpollLoop loop_;
  Load load_{loop_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Gate> victim_;
  std::string answer_;
  bool done_ = false;
  int served_ = 0;
  Duration slowest_{0};
};

std::string times(int count, const std::string& piece) {
  std::string all;
  for (int i = 0; i < count; ++i) all += piece;
  return all;
}

TEST_F(Http2FloodTest, cve_2019_9512_ping) {
  start();
  std::string piece = times(100, frame(kPing, 0, 0, "12345678"));
  EXPECT_LT(flood([&](int) { return piece; }), 100'000);
}

TEST_F(Http2FloodTest, cve_2019_9513_priority) {
  start();
  std::string piece = times(100, frame(kPriority, 0, 3, number(0) + '\x10'));
  EXPECT_LT(flood([&](int) { return piece; }), 100'000);
}

TEST_F(Http2FloodTest, cve_2019_9514_reset_by_us) {
  start();
  // A header block that nghttp2 refuses: we reset the stream each time.
  EXPECT_LT(flood([&](int i) {
              return frame(kHeaders, kEndStream | kEndHeaders, 1 + 2 * static_cast<uint32_t>(i),
                           "\x82\x82");
            }),
            1'000'000);
  EXPECT_EQ(load_.started, 0) << "nothing of it reached the handler";
}

TEST_F(Http2FloodTest, cve_2019_9515_settings) {
  start();
  std::string piece = times(100, frame(kSettings, 0, 0, ""));
  EXPECT_LT(flood([&](int) { return piece; }), 100'000);
}

TEST_F(Http2FloodTest, cve_2019_9516_empty_header_names) {
  start({.max_header_bytes = 10'000});
  // Literal fields with empty name and value, in a block without end.
  std::string block = kGetBlock + times(5000, std::string("\0\0\0", 3));
  EXPECT_LT(flood([&](int i) {
              return frame(kHeaders, kEndStream | kEndHeaders, 1 + 2 * static_cast<uint32_t>(i),
                           block);
            }),
            100'000);
}

TEST_F(Http2FloodTest, cve_2019_9517_stalled_window) {
  start({.idle_timeout = milliseconds(100)});
  // The window stays closed: what is answered stays here, bounded, until the streams are reset.
  uint16_t port = server_->port();
  std::string got;
  with_loop(loop_, [&] {
    RawClient attacker(port);
    attacker.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                  frame(kSettings, 0, 0, std::string("\0\x04", 2) + number(0)));
    for (uint32_t i = 0; i < 100; ++i) attacker.send(get(1 + 2 * i));
    got = attacker.rest();
  });
  EXPECT_NE(got.find(frame(kReset, 0, 1, number(8))), std::string::npos) << "RST_STREAM CANCEL";
  EXPECT_EQ(got.find(std::string(100, 'x')), std::string::npos);
}

TEST_F(Http2FloodTest, cve_2019_9518_empty_data) {
  start();
  std::string piece = times(100, frame(kData, 0, 1, ""));
  EXPECT_LT(
      flood([&](int i) { return i == 0 ? frame(kHeaders, kEndHeaders, 1, kPostBlock) : piece; }),
      100'000);
}

TEST_F(Http2FloodTest, cve_2019_9511_data_dribble) {
  start();
  std::string piece = times(100, frame(kWindowUpdate, 0, 1, number(1)));
  EXPECT_LT(flood([&](int i) {
              if (i > 0) return piece;
              return frame(kSettings, 0, 0, std::string("\0\x04", 2) + number(0)) + get(1);
            }),
            100'000);
}

TEST_F(Http2FloodTest, cve_2023_44487_and_2023_39325_rapid_reset) {
  start();
  EXPECT_LT(flood([&](int i) {
              uint32_t id = 1 + 2 * static_cast<uint32_t>(i);
              return get(id) + frame(kReset, 0, id, number(8));
            }),
            1'000'000);
  EXPECT_LE(load_.most_running, 251) << "reset streams count until their handlers end";
}

// The streams are reset by us, for frames that are wrong: it counts as if the client did it.
TEST_F(Http2FloodTest, cve_2025_8671_made_you_reset) {
  start();
  EXPECT_LT(flood([&](int i) {
              uint32_t id = 1 + 2 * static_cast<uint32_t>(i);
              return get(id) + (i % 2 == 0 ? frame(kWindowUpdate, 0, id, number(0))
                                           : frame(kData, 0, id, "after the end"));
            }),
            1'000'000);
  EXPECT_LE(load_.most_running, 251);
}

// One byte stands for 4 KiB that an earlier head left in the table: all heads together are bounded.
TEST_F(Http2FloodTest, cve_2016_6581_header_bomb) {
  start({.idle_timeout = milliseconds(100), .body_timeout = milliseconds(100)});
  std::string post = kPostBlock;
  post[3] = '\x01';  // the authority is not added to the table
  std::string entry = std::string(
                          "\x40\x01"
                          "a"
                          "\x7f\xbd\x1d",
                          6) +
                      std::string(3900, 'v');
  auto bomb = [&](int i) {
    std::string block = (i == 0 ? post + entry : post) + std::string(250, '\xbe');
    return frame(kHeaders, kEndHeaders, 1 + 2 * static_cast<uint32_t>(i), block);
  };
  flood(bomb, 4);
  EXPECT_EQ(answer_.find("too large"), std::string::npos) << "each of these is within the limit";
  flood(bomb, 10);
  EXPECT_NE(answer_.find("request header fields too large"), std::string::npos);
  EXPECT_LT(flood(bomb), 100'000);
  EXPECT_EQ(load_.started, 0) << "no request came of it";
}

TEST_F(Http2FloodTest, cve_2023_45288_continuation) {
  start({.max_header_bytes = 10'000});
  std::string block =
      std::string("\0\x01", 2) + "a" + std::string("\x7e", 1) + std::string(126, 'v');
  EXPECT_LT(flood([&](int i) {
              if (i == 0) return frame(kHeaders, kEndStream, 1, kGetBlock);
              return frame(kContinuation, 0, 1, block);
            }),
            100'000);
  EXPECT_EQ(load_.started, 0) << "no request came of it";
}

TEST_F(Http2FloodTest, empty_continuations) {
  start();
  std::string piece = times(100, frame(kContinuation, 0, 1, ""));
  EXPECT_LT(
      flood([&](int i) { return i == 0 ? frame(kHeaders, kEndStream, 1, kGetBlock) : piece; }),
      100'000);
}

TEST_F(Http2FloodTest, slowloris_header_block) {
  start({.header_timeout = milliseconds(100)});
  EXPECT_EQ(flood([&](int) { return frame(kHeaders, kEndStream, 1, kGetBlock); }, 1), 1);
}

TEST_F(Http2FloodTest, slow_bodies_are_reset) {
  start({.idle_timeout = milliseconds(300), .body_timeout = milliseconds(100)});
  flood([&](int) { return frame(kHeaders, kEndHeaders, 1, kPostBlock) + frame(kData, 0, 1, "x"); },
        1);
  EXPECT_NE(answer_.find(frame(kReset, 0, 1, number(8))), std::string::npos);
}

TEST_F(Http2FloodTest, HeaderLimitIs431) {
  start({.max_header_bytes = 10'000, .idle_timeout = milliseconds(100)});
  std::string block = kGetBlock;
  for (int i = 0; i < 100; ++i) {
    block += std::string(
                 "\0\x01"
                 "a\x7e",
                 4) +
             std::string(126, 'v');
  }
  flood([&](int) { return frame(kHeaders, kEndStream | kEndHeaders, 1, block); }, 1);
  EXPECT_NE(answer_.find("request header fields too large"), std::string::npos);
}

TEST_F(Http2FloodTest, HeaderCountIs431) {
  start({.idle_timeout = milliseconds(100)});
  std::string block = kGetBlock;
  for (size_t i = 0; i <= kMaxHeaderCount; ++i)
    block += std::string(
        "\0\x01"
        "a\x01"
        "v",
        5);
  flood([&](int) { return frame(kHeaders, kEndStream | kEndHeaders, 1, block); }, 1);
  EXPECT_NE(answer_.find("request header fields too large"), std::string::npos);
  EXPECT_EQ(load_.started, 0) << "no request came of it";
}

TEST_F(Http2FloodTest, GarbageIsClosed) {
  start();
  EXPECT_LT(flood([&](int) { return std::string(1000, '\xff'); }), 1'000'000);
}

TEST_F(Http2FloodTest, StreamsPastTheLimitAreRefused) {
  start({.max_concurrent_streams = 10, .idle_timeout = milliseconds(200)});
  std::string all;
  for (uint32_t i = 0; i < 60; ++i) all += get(1 + 2 * i);
  flood([&](int) { return all; }, 1);
  EXPECT_LE(load_.most_running, 11);
}

}  // namespace
}  // namespace tiphys::net
