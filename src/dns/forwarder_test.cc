// The forwarder, and the whole server, over loopback: the other name servers are our own Server
// with scripted answers.
#include "dns/forwarder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "dns/dns_text_test.h"
#include "dns/message_stream.h"
#include "dns/server.h"
#include "net/socket.h"
#include "net/test_world.h"
#include "os/files.h"

namespace tiphys::dns {
namespace {

// Answers by the name's first label.
class Script : public Upstream {
 public:
  explicit Script(std::string address) : address_(*parse_ip(address)) {}
  size_t answer_now(Bytes, const Query&, size_t, std::span<uint8_t>) override { return 0; }
  bool is_loop(const IpAddress&, const Query&) const override { return false; }
  Task<std::string> resolve(std::string message, size_t limit) override {
    Query query;
    EXPECT_EQ(read_query(bytes_of(message), query), Verdict::kGood);
    asked.push_back(query.name.text());
    ids.push_back(query.id);
    std::string label(query.name.label(0));
    if (label == "silent") co_return "";
    std::string out(limit, '\0');
    std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
    AnswerWriter writer(room, limit, bytes_of(message), query);
    out.resize(write(label, query, writer));
    if (label == "forged") out[0] ^= 1;
    co_return out;
  }

  std::vector<std::string> asked;
  std::vector<uint16_t> ids;
  Rcode code = kNoError;

 private:
  size_t write(const std::string& label, const Query& query, AnswerWriter& out) {
    if (code != kNoError) return out.finish(code);
    std::string owner(AnswerWriter::question().view());
    if (label == "nobody") {
      std::string soa(Name::from_text("ns.example")->wire());
      soa += std::string(1, '\0') + std::string(19, '\0') + '\x09';
      out.add(Section::kAuthority, Name::from_text("example")->wire(), kTypeSoa, 60, soa);
      return out.finish(kNxDomain);
    }
    if (label == "unknown") return out.finish(kNxDomain);
    if (label == "fleeting") {
      out.add_address(Section::kAnswer, owner, 0, address_);
      return out.finish(kNoError);
    }
    int count = label == "many" ? 100 : 1;
    for (int i = 0; i < count; ++i) out.add_address(Section::kAnswer, owner, 300, address_);
    return out.finish(kNoError);
  }
  IpAddress address_;
};

// A name server that says what its script says.
struct Other {
  Other(EpollLoop& loop, const std::string& address, uint16_t port)
      : script("192.0.2." + address.substr(address.rfind('.') + 1)),
        front(loop, responder, script, metrics, [](const IpAddress&) { return true; }),
        server(loop, front) {
    Result<void> opened = server.listen(address, port);
    EXPECT_TRUE(opened) << opened.error().message();
  }
  Records records{*Name::from_text("none.invalid")};
  Responder responder{records};
  Metrics metrics;
  Script script;
  Front front;
  Server server;
};

class ForwarderTest : public testing::Test {
 public:
  ForwarderTest()
      : first_(std::make_unique<Other>(loop_, "127.0.0.11", 0)),
        second_(std::make_unique<Other>(loop_, "127.0.0.12", first_->server.port())) {
    folder_ = std::filesystem::temp_directory_path() / ("dns-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
  }
  ~ForwarderTest() override {
    if (forwarder_) net::run_task(loop_, forwarder_->stop());
    net::run_task(loop_, first_->server.stop());
    net::run_task(loop_, second_->server.stop());
    std::filesystem::remove_all(folder_);
  }

  void start(const std::string& file) {
    std::string path = folder_ / "resolv.conf";
    ASSERT_TRUE(os::write_file(path, file));
    Forwarder::Options options{.resolv_conf = path, .port = first_->server.port()};
    options.own_addresses = {*parse_ip("127.0.0.1")};
    forwarder_ = std::make_unique<Forwarder>(loop_, pool_, random_, metrics_, options);
    forwarder_->start();
    net::run_task(loop_, until_known());
  }
  Task<void> until_known() {
    while (!forwarder_->knows_servers()) co_await sleep_for(loop_, std::chrono::milliseconds(1));
  }
  std::string ask(std::string_view name, size_t limit = kMaxMessageBytes, uint16_t type = kTypeA) {
    std::string answer =
        net::run_task(loop_, forwarder_->resolve(plain_query(name, type, 9), limit));
    EXPECT_EQ(read16(bytes_of(answer), 0), 9);
    return message_text(bytes_of(answer));
  }

  EpollLoop loop_;
  WorkerPool pool_{2};
  SeededRandom random_{1};
  Metrics metrics_;
  std::filesystem::path folder_;
  std::unique_ptr<Other> first_;
  std::unique_ptr<Other> second_;
  std::unique_ptr<Forwarder> forwarder_;
};

constexpr const char* kBoth = "nameserver 127.0.0.11\nnameserver 127.0.0.12\n";

TEST_F(ForwarderTest, AsksOnceAndRemembers) {
  start(kBoth);
  EXPECT_EQ(ask("www.example"), "NOERROR\nwww.example. 300 A 192.0.2.11\n");
  EXPECT_EQ(ask("WWW.example"), "NOERROR\nwww.example. 300 A 192.0.2.11\n");
  EXPECT_EQ(first_->script.asked.size(), 1u);
  EXPECT_TRUE(second_->script.asked.empty());
  EXPECT_EQ(ask("fleeting.example"), "NOERROR\nfleeting.example. 0 A 192.0.2.11\n");
  EXPECT_EQ(ask("fleeting.example"), "NOERROR\nfleeting.example. 0 A 192.0.2.11\n");
  EXPECT_EQ(first_->script.asked.size(), 3u);
  EXPECT_NE(first_->script.ids[1], first_->script.ids[2]);
}

TEST_F(ForwarderTest, RemembersThatThereIsNothing) {
  start(kBoth);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask("nobody.example"), "NXDOMAIN\nauth example. 60 SOA ns.example.\n");
  }
  EXPECT_EQ(first_->script.asked.size(), 1u);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask("unknown.example"), "NXDOMAIN\n");
  EXPECT_EQ(first_->script.asked.size(), 3u) << "without SOA nothing says how long";
}

TEST_F(ForwarderTest, WhatWasCutIsAskedForOverTcp) {
  start(kBoth);
  std::string whole = ask("many.example");
  EXPECT_EQ(std::ranges::count(whole, '\n'), 101) << whole;
  EXPECT_EQ(first_->script.asked.size(), 2u);
  EXPECT_EQ(ask("many.example", kPlainUdpBytes), "NOERROR tc\n");
}

TEST_F(ForwarderTest, TheNextServerIsAskedIfOneFails) {
  first_->script.code = kServFail;
  start(kBoth);
  EXPECT_EQ(ask("www.example"), "NOERROR\nwww.example. 300 A 192.0.2.12\n");
  second_->script.code = kRefused;
  EXPECT_EQ(ask("other.example"), "REFUSED\n");
}

TEST_F(ForwarderTest, TheNextServerIsAskedIfOneIsSilent) {
  start("nameserver 127.0.0.13\nnameserver 127.0.0.12\n");  // nobody listens there
  EXPECT_EQ(ask("www.example"), "NOERROR\nwww.example. 300 A 192.0.2.12\n");
}

TEST_F(ForwarderTest, AForgedAnswerIsNotHeard) {
  start("nameserver 127.0.0.11\n");
  EXPECT_EQ(ask("forged.example"), "SERVFAIL\n");
}

TEST_F(ForwarderTest, WithoutServersItSaysSo) {
  start("# none\nnameserver 127.0.0.1\nnameserver x\nnameservers 1.1.1.1\n");
  EXPECT_EQ(ask("www.example"), "SERVFAIL\n") << "never itself";
}

TEST_F(ForwarderTest, ManyWhoAskTheSameAskOnce) {
  start(kBoth);
  int left = 20;
  for (int i = 0; i < 20; ++i) {
    spawn([](ForwarderTest* test, int* open) -> Task<void> {
      std::string answer =
          co_await test->forwarder_->resolve(plain_query("www.example", kTypeA), 512);
      EXPECT_EQ(message_text(bytes_of(answer)), "NOERROR\nwww.example. 300 A 192.0.2.11\n");
      if (--*open == 0) test->loop_.stop();
    }(this, &left));
  }
  while (left > 0) loop_.run();
  EXPECT_EQ(first_->script.asked.size(), 1u);
}

TEST_F(ForwarderTest, AServerThatPassesTheQuestionBackIsRefused) {
  start("nameserver 127.0.0.11\n");
  Query query;
  std::string message = plain_query("www.example", kTypeA);
  ASSERT_EQ(read_query(bytes_of(message), query), Verdict::kGood);
  EXPECT_FALSE(forwarder_->is_loop(*parse_ip("127.0.0.11"), query));
  spawn([](ForwarderTest* test, std::string asked) -> Task<void> {
    (void)co_await test->forwarder_->resolve(std::move(asked), 512);
    test->loop_.stop();
  }(this, message));
  EXPECT_TRUE(forwarder_->is_loop(*parse_ip("127.0.0.11"), query));
  EXPECT_FALSE(forwarder_->is_loop(*parse_ip("127.0.0.99"), query));
  loop_.run();
}

TEST(NameServers, OfAResolvConf) {
  std::vector<IpAddress> found =
      name_servers("search a\nnameserver 10.0.0.1\n nameserver\t::1 \nnameserver 10.0.0.1\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(canonical_text(found[1]), "::1");
}

// Several queries on one connection, the second half of one behind the other.
Task<std::vector<std::string>> ask_over_tcp(EpollLoop& loop, uint16_t port,
                                            std::vector<std::string> messages) {
  auto to = net::numeric_address("127.0.0.11", port);
  os::Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(::connect(fd.get(), to->get(), to->size), 0);
  EXPECT_EQ(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), 0);
  MessageStream stream(loop, std::move(fd));
  for (std::string& message : messages) {
    Result<void> written = co_await stream.write(message, {});
    EXPECT_TRUE(written);
  }
  std::vector<std::string> answers;
  for (size_t i = 0; i < messages.size(); ++i) {
    std::optional<std::string> answer = co_await stream.read({});
    answers.push_back(answer ? message_text(bytes_of(*answer)) : "closed");
  }
  co_return answers;
}

TEST_F(ForwarderTest, AConnectionTakesSeveralQueries) {
  std::string update = plain_query("a.example", kTypeA);
  update[2] = 0x28;
  std::vector<std::string> messages = {plain_query("many.example", kTypeA), update,
                                       plain_query("www.example", kTypeA),
                                       plain_query("x.none.invalid", kTypeA)};
  std::vector<std::string> answers =
      net::run_task(loop_, ask_over_tcp(loop_, first_->server.port(), messages));
  EXPECT_EQ(std::ranges::count(answers[0], '\n'), 101);
  EXPECT_EQ(answers[1], "NOTIMP\n");
  EXPECT_EQ(answers[2], "NOERROR\nwww.example. 300 A 192.0.2.11\n");
  EXPECT_EQ(answers[3], "SERVFAIL\n") << "the records aren't complete";
}

}  // namespace
}  // namespace tiphys::dns
