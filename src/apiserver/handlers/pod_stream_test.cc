#include "apiserver/api_server_fixture.h"
#include "apiserver/handlers/stream_channels.h"
#include "net/pipe_stream.h"
#include "net/spdy_frames.h"
#include "net/tunnel.h"
#include "net/websocket_client_frame.h"

namespace tiphys::apiserver {
namespace {

using net::client_frame;
using net::SpdyType;
using testing::ElementsAre;
using testing::HasSubstr;
using Opcode = net::WebSocketOpcode;

constexpr char kPods[] = "/api/v1/namespaces/default/pods";

// ---- the pure part ----

net::WebSocketPiece piece(std::string bytes, bool first = true, bool last = true) {
  return {Opcode::kBinary, first, last, std::move(bytes)};
}

TEST(ChannelReader, messages_begin_with_their_channel) {
  ChannelReader reader;
  auto whole = *reader.take(piece(std::string("\0abc", 4)));
  EXPECT_EQ(whole->channel, kStdin);
  EXPECT_EQ(whole->bytes, "abc");
  EXPECT_EQ(*reader.take(piece("")), std::nullopt);
  EXPECT_EQ(*reader.take(piece("", true, false)), std::nullopt);
  auto start = *reader.take(piece("\x04{", false, false));
  EXPECT_EQ(start->channel, kResize);
  EXPECT_FALSE(start->last);
  auto end = *reader.take(piece("}", false, true));
  EXPECT_EQ(end->channel, kResize);
  EXPECT_EQ(end->bytes, "}");
  EXPECT_TRUE(end->last);
}

TEST(ChannelReader, close_signals_name_one_channel) {
  ChannelReader reader;
  auto close = *reader.take(piece(std::string("\xff\0", 2)));
  EXPECT_TRUE(close->closes);
  EXPECT_EQ(close->channel, kStdin);
  EXPECT_EQ(*reader.take(piece("\xff", true, false)), std::nullopt);
  EXPECT_EQ((*reader.take(piece("\x04", false, true)))->channel, kResize);
  for (const std::string& bad :
       {std::string("\xff"), std::string("\xff\x05"), std::string("\xff\0\0", 3)}) {
    EXPECT_FALSE(ChannelReader().take(piece(bad))) << bad.size();
  }
  ChannelReader parts;
  EXPECT_TRUE(parts.take(piece(std::string("\xff\0", 2), true, false)));
  EXPECT_FALSE(parts.take(piece("x", false, false)));
}

TEST(TerminalSize, is_written_anew) {
  EXPECT_EQ(terminal_size(R"({"Width":80,"Height":24})"), "{\"Width\":80,\"Height\":24}\n");
  EXPECT_EQ(terminal_size(R"({"Height":1,"x":[1]})"), "{\"Width\":0,\"Height\":1}\n");
  for (const char* bad : {"", "[]", "x", R"({"Width":-1})", R"({"Width":65536})", "{\"Width\":1"}) {
    EXPECT_EQ(terminal_size(bad), std::nullopt) << bad;
  }
}

std::string json_of(const Ending& ending) {
  std::string json;
  codec::encode_json(ending.status->type(), ending.status->root(), json);
  return json;
}

TEST(Ending, as_upstreams_translator_tells_it) {
  Ending ended = ending_of(R"({"metadata":{},"status":"Success"})");
  EXPECT_EQ(json_of(ended), R"({"metadata":{},"status":"Success"})");
  EXPECT_EQ(ended.code, 200);
  ended = ending_of(R"({"status":"Failure","reason":"NonZeroExitCode","message":"x",)"
                    R"("details":{"causes":[{"reason":"ExitCode","message":"3"}]}})");
  EXPECT_EQ(json_of(ended),
            R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit )"
            R"(code: command terminated with exit code 3","reason":"NonZeroExitCode","details":)"
            R"({"causes":[{"reason":"ExitCode","message":"3"}]}})");
  EXPECT_EQ(ended.code, 200);
  auto message = [](std::string_view text) {
    Ending bad = ending_of(text);
    EXPECT_EQ(bad.code, 500);
    return json_of(bad);
  };
  EXPECT_THAT(message(R"({"status":"Failure","message":"gone"})"),
              HasSubstr(R"("message":"Internal error occurred: gone","reason":"InternalError")"));
  EXPECT_THAT(message(R"({"status":"Failure","reason":"NonZeroExitCode"})"),
              HasSubstr("error stream protocol error: details must be set"));
  EXPECT_THAT(message(R"({"status":"Failure","reason":"NonZeroExitCode","details":{}})"),
              HasSubstr("no ExitCode cause given"));
  for (const char* code : {"256", "-1", "x", ""}) {
    EXPECT_THAT(
        message(std::string(R"({"status":"Failure","reason":"NonZeroExitCode","details":)") +
                R"({"causes":[{"reason":"ExitCode","message":")" + code + R"("}]}})"),
        HasSubstr("invalid exit code value"));
  }
  EXPECT_THAT(message(R"({"status":"Sideways"})"), HasSubstr("unknown error"));
  EXPECT_THAT(message("oops"), HasSubstr("error stream protocol error"));
  EXPECT_THAT(message(""), HasSubstr("unexpected EOF"));
}

// ---- the whole: a client and a kubelet on the two sides of the API server ----

class PodStreamTest : public ApiServerTest {
 protected:
  PodStreamTest() {
    server_.set_proxy_connector(
        [this](ProxyRequest request, StopToken) { return connect(std::move(request)); });
    ask("POST", "/api/v1/nodes",
        R"({"metadata":{"name":"n"},"status":{"addresses":[{"type":"InternalIP",)"
        R"("address":"10.2.0.1"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}})");
    ask("POST", kPods,
        R"({"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c",)"
        R"("image":"i"}]}})");
  }
  Task<Result<ProxyAnswer>> connect(ProxyRequest request) {
    last_ = std::move(request.request);
    if (failure_) co_return *failure_;
    ProxyAnswer answer;
    answer.response.status = status_;
    answer.response.body = std::make_shared<const std::string>(body_);
    if (status_ != 101) co_return answer;
    answer.response.headers.set("connection", "Upgrade");
    answer.response.headers.set("upgrade", "SPDY/3.1");
    answer.response.headers.set("x-stream-protocol-version", version_);
    auto [ours, theirs] = net::PipeStream::make(loop_);
    kubelet_ = std::move(ours);
    answer.stream = std::move(theirs);
    co_return answer;
  }
  net::Response dial(std::string target, std::string protocols) {
    net::Request request;
    request.method = "GET";
    size_t mark = target.find('?');
    request.path = std::string(kPods) + target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.headers.add("connection", "Upgrade");
    request.headers.add("upgrade", "websocket");
    request.headers.add("sec-websocket-version", "13");
    request.headers.add("sec-websocket-key", key_);
    request.headers.add("sec-websocket-protocol", protocols);
    return loop_.run(server_.handle(std::move(request)));
  }
  // Starts the session behind a 101.
  void open(std::string target, std::string protocols = "v5.channel.k8s.io") {
    response_ = dial(std::move(target), std::move(protocols));
    ASSERT_EQ(response_.status, 101);
    auto [ours, theirs] = net::PipeStream::make(loop_);
    client_ = std::move(ours);
    spawn(finish(response_.upgrade(std::move(theirs))));
    settle();
  }
  Task<void> finish(Task<void> session) {
    co_await std::move(session);
    over_ = true;
  }
  Task<void> drain(net::PipeStream& from, std::string& to, bool& ended) {
    while (true) {
      Result<std::string> bytes = co_await from.read(1 << 20, {});
      if (!bytes || bytes->empty()) break;
      to += *bytes;
    }
    ended = true;
  }
  void settle() {
    loop_.run_ready();
    if (client_ && !draining_client_) {
      draining_client_ = true;
      spawn(drain(*client_, from_server_, client_ended_));
    }
    if (kubelet_ && !draining_kubelet_ && reads_) {
      draining_kubelet_ = true;
      spawn(drain(*kubelet_, to_kubelet_, kubelet_ended_));
    }
    loop_.run_ready();
  }
  void type(std::string_view message) {
    (void)loop_.run(client_->write(client_frame(Opcode::kBinary, message), {}));
    settle();
  }
  void say(std::string frames) {
    (void)loop_.run(kubelet_->write(std::move(frames), {}));
    settle();
  }
  // Answers every stream that was opened since, and returns what each frame says.
  std::vector<std::string> kubelet_sees() {
    settle();
    std::vector<std::string> log;
    size_t answered = 0;
    do {
      reader_.add(std::exchange(to_kubelet_, ""));
      answered = 0;
      while (auto frame = *reader_.next()) {
        std::string id = std::to_string(frame->stream);
        if (frame->type == SpdyType::kSynStream) {
          log.push_back(id + "=" + std::string(frame->headers.get("streamtype")));
          say(*writer_.syn_reply(frame->stream, {}));
          ++answered;
        } else if (frame->type == SpdyType::kData) {
          log.push_back(id + ":" + frame->data + (frame->fin ? "." : ""));
        } else if (frame->type == SpdyType::kRstStream) {
          log.push_back(id + " reset");
        }
      }
    } while (answered > 0);
    return log;
  }
  // The messages that came since: "1hello", "closed".
  std::vector<std::string> client_sees() {
    settle();
    std::vector<std::string> log;
    std::string& in = from_server_;
    while (in.size() >= 2) {
      auto length = static_cast<size_t>(in[1] & 0x7f);
      size_t head = 2;
      if (length == 126) {
        length =
            static_cast<size_t>(static_cast<uint8_t>(in[2])) << 8 | static_cast<uint8_t>(in[3]);
        head = 4;
      }
      std::string payload = in.substr(head, length);
      bool closes = (in[0] & 15) == 8;
      in.erase(0, head + length);
      if (!closes && !payload.empty()) payload[0] = static_cast<char>('0' + payload[0]);
      log.push_back(closes ? "closed" : payload);
    }
    return log;
  }

  std::string key_ = "dGhlIHNhbXBsZSBub25jZQ==";
  std::optional<ApiStatus> failure_;
  int status_ = 101;
  std::string body_;
  std::string version_ = "v4.channel.k8s.io";
  net::Request last_;
  net::Response response_;
  std::unique_ptr<net::PipeStream> client_;
  std::unique_ptr<net::PipeStream> kubelet_;
  bool draining_client_ = false;
  bool draining_kubelet_ = false;
  bool reads_ = true;  // the kubelet does
  std::string from_server_;
  std::string to_kubelet_;
  bool client_ended_ = false;
  bool kubelet_ended_ = false;
  bool over_ = false;
  net::SpdyReader reader_;
  net::SpdyWriter writer_;
};

constexpr char kExec[] = "/p/exec?command=sh&stdin=true&stdout=true&stderr=true";
constexpr char kDone[] = R"({"metadata":{},"status":"Success"})";

TEST_F(PodStreamTest, a_command_from_start_to_end) {
  open(kExec);
  EXPECT_EQ(response_.headers.get("sec-websocket-protocol"), "v5.channel.k8s.io");
  EXPECT_EQ(last_.method, "POST");
  EXPECT_EQ(last_.path, "/exec/default/p/c");
  EXPECT_EQ(last_.query, "command=sh&error=1&input=1&output=1");
  EXPECT_EQ(last_.headers.get("upgrade"), "SPDY/3.1");
  EXPECT_EQ(last_.headers.get("x-stream-protocol-version"), "v4.channel.k8s.io");
  EXPECT_FALSE(last_.headers.has("sec-websocket-key"));
  EXPECT_THAT(kubelet_sees(), ElementsAre("1=error", "3=stdin", "5=stdout", "7=stderr"));
  EXPECT_THAT(client_sees(), ElementsAre("1"));  // the connection is open
  type(std::string("\0ls\n", 4));
  type(std::string("\xff\0", 2));
  type(std::string("\0late", 5));
  EXPECT_THAT(kubelet_sees(), ElementsAre("3:ls\n", "3:."));
  say(net::spdy_data(5, "out", false) + net::spdy_data(7, "err", true));
  EXPECT_THAT(client_sees(), ElementsAre("1out", "2err"));
  say(net::spdy_data(1, kDone, false) + net::spdy_data(5, "", true));
  EXPECT_FALSE(over_);
  say(net::spdy_reset(1, net::SpdyReset::kCancel));
  EXPECT_THAT(client_sees(), ElementsAre(std::string("3") + kDone, "closed"));
  EXPECT_TRUE(over_ && client_ended_ && kubelet_ended_);
  EXPECT_THAT(ask("GET", "/metrics").body,
              HasSubstr("apiserver_stream_translator_requests_total{code=\"200\"} 1\n"));
}

TEST_F(PodStreamTest, a_terminal_has_sizes_and_one_output) {
  open("/p/attach?stdin=true&stdout=true&stderr=true&tty=true");
  EXPECT_EQ(last_.path, "/attach/default/p/c");
  EXPECT_THAT(kubelet_sees(), ElementsAre("1=error", "3=stdin", "5=stdout", "7=resize"));
  type(R"(D{"Width":80,"Height":24})");  // no channel
  type("\x04{\"Width\":80,\"Height\":24}");
  type("\x04{\"Width\":1");
  type("\x04" + std::string(5000, ' ') + "{\"Width\":2}");
  EXPECT_THAT(kubelet_sees(), ElementsAre("7:{\"Width\":80,\"Height\":24}\n"));
  EXPECT_FALSE(over_);
  client_->close();
  settle();
  EXPECT_TRUE(over_ && kubelet_ended_);
}

TEST_F(PodStreamTest, input_that_the_runtime_ended_is_ended_by_us) {
  open(kExec);
  kubelet_sees();
  say(net::spdy_data(3, "", true));
  EXPECT_THAT(kubelet_sees(), ElementsAre("3:."));
  type(std::string("\0x", 2));
  EXPECT_THAT(kubelet_sees(), ElementsAre());
  EXPECT_FALSE(over_);
  kubelet_->close();
  settle();
  EXPECT_TRUE(over_);
}

TEST_F(PodStreamTest, failures_are_told_on_the_error_channel) {
  auto told = [&] {
    over_ = client_ended_ = draining_client_ = draining_kubelet_ = false;
    kubelet_.reset();
    open(kExec);
    if (kubelet_) kubelet_sees();
    settle();
    std::vector<std::string> seen = client_sees();
    EXPECT_TRUE(over_);
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen.back(), "closed");
    return seen.size() == 3 ? seen[1] : "";
  };
  failure_ = ApiStatus::service_unavailable("dial tcp 10.2.0.1:10250: connect: connection refused");
  EXPECT_THAT(told(), HasSubstr("Internal error occurred: error sending request: Post "
                                "\\\"https://10.2.0.1:10250/exec/default/p/c?command=sh"));
  failure_.reset();
  status_ = 500;
  body_ = "container not found (\"c\")\n";
  EXPECT_THAT(told(), HasSubstr("unable to upgrade connection: container not found (\\\"c\\\")\""));
  status_ = 101;
  version_ = "v1.channel.k8s.io";
  EXPECT_THAT(told(), HasSubstr("unable to negotiate protocol"));
  EXPECT_THAT(ask("GET", "/metrics").body,
              HasSubstr("apiserver_stream_translator_requests_total{code=\"500\"} 3\n"));
}

TEST_F(PodStreamTest, a_runtime_that_breaks_off_is_no_success) {
  open(kExec);
  kubelet_sees();
  client_sees();
  say(net::spdy_data(5, "out", false));
  kubelet_->close();
  settle();
  std::vector<std::string> seen = client_sees();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], "1out");
  EXPECT_THAT(seen[1], HasSubstr("error reading from error stream: unexpected EOF"));
  EXPECT_TRUE(over_);
}

TEST_F(PodStreamTest, a_kubelet_that_answers_no_stream_is_left) {
  open(kExec);
  loop_.run_for(std::chrono::seconds(29));
  EXPECT_FALSE(over_);
  loop_.run_for(std::chrono::seconds(2));
  EXPECT_TRUE(over_);
}

TEST_F(PodStreamTest, what_breaks_the_protocol_ends_the_stream) {
  open(kExec);
  kubelet_sees();
  client_sees();
  type(std::string("\xff\0\0", 3));
  EXPECT_TRUE(over_ && kubelet_ended_);
  EXPECT_EQ(from_server_, std::string("\x88\x02\x03\xea", 4));  // 1002
}

TEST_F(PodStreamTest, a_hostile_runtime_is_bounded) {
  for (const std::string& bad :
       {net::spdy_data(1, std::string(65'537, 'x'), false), std::string("\x80\2garbage")}) {
    over_ = client_ended_ = draining_client_ = draining_kubelet_ = false;
    reader_ = {};
    writer_ = {};
    from_server_.clear();
    kubelet_.reset();
    open(kExec);
    kubelet_sees();
    // Pings and streams of its own change nothing.
    std::string flood;
    for (uint32_t i = 1; i < 500; ++i) flood += net::spdy_ping(2 * i);
    say(flood + *writer_.syn_stream(2, {}) + net::spdy_data(99, "x", true));
    EXPECT_FALSE(over_);
    say(bad);
    EXPECT_TRUE(over_ && client_ended_);
  }
}

// Both sides keep a few writes: what is more stays with who writes.
TEST_F(PodStreamTest, a_client_that_reads_nothing_holds_the_runtime_back) {
  draining_client_ = true;  // it doesn't
  open(kExec);
  kubelet_sees();
  size_t taken = 0;
  StopSource stop;
  for (; taken < 1000 && !stop.stop_requested(); ++taken) {
    auto timer = loop_.call_after(std::chrono::seconds(1), [&] { stop.request_stop(); });
    (void)loop_.run(kubelet_->write(net::spdy_data(5, "out", false), stop.token()));
    loop_.cancel(timer);
  }
  EXPECT_LT(taken, 20u);
  client_->close();
  settle();
  EXPECT_TRUE(over_ && kubelet_ended_);
}

TEST_F(PodStreamTest, nothing_for_four_hours_ends_the_stream) {
  open(kExec);
  kubelet_sees();
  loop_.run_for(std::chrono::minutes(239));
  EXPECT_FALSE(over_);
  type(std::string("\0x", 2));
  loop_.run_for(std::chrono::minutes(239));
  EXPECT_FALSE(over_);
  loop_.run_for(std::chrono::minutes(2));
  EXPECT_TRUE(over_ && kubelet_ended_ && client_ended_);
}

TEST_F(PodStreamTest, handshakes_are_checked_first) {
  key_ = "short";
  EXPECT_EQ(dial(kExec, "v5.channel.k8s.io").status, 400);
  EXPECT_EQ(dial("/p/portforward", "SPDY/3.1+portforward.k8s.io").status, 400);
  EXPECT_EQ(last_.path, "");
}

TEST_F(PodStreamTest, older_channels_are_passed_on) {
  response_ = dial(kExec, "v4.channel.k8s.io");
  EXPECT_EQ(last_.method, "GET");
  EXPECT_EQ(last_.headers.get("upgrade"), "websocket");
  EXPECT_EQ(last_.headers.get("sec-websocket-protocol"), "v4.channel.k8s.io");
}

TEST_F(PodStreamTest, ports_are_forwarded_through_a_tunnel) {
  version_ = "portforward.k8s.io";
  open("/p/portforward", "SPDY/3.1+portforward.k8s.io");
  EXPECT_EQ(response_.headers.get("sec-websocket-protocol"), "SPDY/3.1+portforward.k8s.io");
  EXPECT_EQ(last_.method, "POST");
  EXPECT_EQ(last_.path, "/portForward/default/p");
  EXPECT_EQ(last_.headers.get("upgrade"), "SPDY/3.1");
  EXPECT_EQ(last_.headers.get("x-stream-protocol-version"), "portforward.k8s.io");
  EXPECT_FALSE(last_.headers.has("sec-websocket-key"));
  type("\x80\x03");
  EXPECT_EQ(to_kubelet_, "\x80\x03");
  say("hello");
  EXPECT_EQ(from_server_, "\x82\x05hello");
  from_server_.clear();
  kubelet_->close();
  settle();
  EXPECT_EQ(from_server_, std::string("\x88\x02\x03\xe8", 4));
  EXPECT_TRUE(over_ && client_ended_);
  EXPECT_THAT(ask("GET", "/metrics").body,
              HasSubstr("apiserver_stream_tunnel_requests_total{code=\"101\"} 1\n"));
}

TEST_F(PodStreamTest, a_kubelet_that_refuses_a_tunnel_is_heard) {
  status_ = 404;
  body_ = "pod does not exist";
  net::Response refused = dial("/p/portforward", "SPDY/3.1+portforward.k8s.io");
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(*refused.body, body_);
}

}  // namespace
}  // namespace tiphys::apiserver
