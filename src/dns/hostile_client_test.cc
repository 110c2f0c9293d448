// Clients that mean no good: those who want long answers sent elsewhere, those who send what is no
// query, and those who hold on to connections.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "dns/dns_text_test.h"
#include "dns/message_stream.h"
#include "dns/sample_records_test.h"
#include "dns/server.h"
#include "dns/upstream_answer.h"
#include "net/test_world.h"

namespace tiphys::dns {
namespace {

class NobodyElse : public Upstream {
 public:
  size_t answer_now(Bytes, const Query& query, size_t, std::span<uint8_t>) override {
    asked.push_back(query.name.text());
    return 0;
  }
  bool is_loop(const IpAddress&, const Query&) const override { return false; }
  Task<std::string> resolve(std::string, size_t) override { co_return ""; }
  std::vector<std::string> asked;
};

const char* kPets = "pets.default.svc.cluster.local";

class HostileClientTest : public testing::Test {
 public:
  HostileClientTest() {
    add_samples(records_, 250);
    responder_.set_ranges({*parse_cidr("10.0.0.0/8")});
    front_.set_ready();
    Result<void> opened = server_.listen("127.0.0.31", 0);
    EXPECT_TRUE(opened) << opened.error().message();
  }
  ~HostileClientTest() override { net::run_task(loop_, server_.stop()); }

  // What a client gets over UDP; nothing: silence.
  std::string ask(const std::string& message) {
    std::vector<uint8_t> out(kEdnsUdpBytes);
    Front::Reply reply = front_.answer(bytes_of(message), Transport::kUdp, kClient, out);
    if (reply.way != Front::Way::kReply) return "";
    return {reinterpret_cast<const char*>(out.data()), reply.size};
  }

  os::Fd connect(const char* from = "127.0.0.1") {
    auto own = net::numeric_address(from, 0);
    auto to = net::numeric_address("127.0.0.31", server_.port());
    os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd.get(), own->get(), own->size), 0);
    EXPECT_EQ(::connect(fd.get(), to->get(), to->size), 0);
    EXPECT_EQ(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), 0);
    return fd;
  }
  // Sends bytes; "closed", or what came first.
  std::string tell(std::string bytes, const char* from = "127.0.0.1") {
    return net::run_task(loop_, sent(connect(from), std::move(bytes)));
  }
  Task<std::string> sent(os::Fd fd, std::string bytes) {
    (void)::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    MessageStream stream(loop_, std::move(fd));
    std::optional<std::string> answer = co_await stream.read({});
    co_return answer ? message_text(bytes_of(*answer)) : "closed";
  }
  static std::string framed(const std::string& message) {
    std::string out(2, '\0');
    write16(reinterpret_cast<uint8_t*>(out.data()), static_cast<uint16_t>(message.size()));
    return out + message;
  }

  const IpAddress kClient = *parse_ip("10.9.9.9");
  EpollLoop loop_;
  Records records_{*Name::from_text("cluster.local")};
  Responder responder_{records_};
  NobodyElse upstream_;
  Metrics metrics_;
  bool stranger_ = false;
  Front front_{loop_, responder_, upstream_, metrics_,
               [this](const IpAddress&) { return !stranger_; }};
  Server server_{loop_, front_, std::chrono::milliseconds(100)};
};

// Whoever sends queries in another's name gets that one no more bytes than were sent.
TEST_F(HostileClientTest, StrangersAreNoAmplifier) {
  stranger_ = true;
  std::string queries[] = {plain_query(kPets, kTypeA), plain_query("www.example", kTypeAny),
                           make_query(*Name::from_text(kPets), kTypeSrv, 1, true)};
  for (const std::string& query : queries) {
    std::string answer = ask(query);
    EXPECT_TRUE(message_text(bytes_of(answer)).starts_with("REFUSED\n"));
    EXPECT_LE(answer.size(), query.size());
  }
  EXPECT_TRUE(upstream_.asked.empty());
  EXPECT_EQ(tell(framed(queries[0])), "closed");
}

TEST_F(HostileClientTest, AnswersOverUdpAreShort) {
  EXPECT_LE(ask(plain_query(kPets, kTypeA)).size(), kPlainUdpBytes);
  std::string greedy = make_query(*Name::from_text(kPets), kTypeSrv, 1, false);
  write16(reinterpret_cast<uint8_t*>(greedy.data()) + greedy.size() - 8, UINT16_MAX);
  EXPECT_LE(ask(greedy).size(), kEdnsUdpBytes);
  // RFC 8482: ANY brings nothing worth having.
  std::string any = plain_query(kPets, kTypeAny);
  EXPECT_LE(ask(any).size(), any.size() + 80);
  for (uint16_t type : {kTypeAxfr, kTypeIxfr}) {
    EXPECT_EQ(message_text(bytes_of(ask(plain_query("cluster.local", type)))), "REFUSED\n");
  }
}

// Two servers that answered each other's answers would do so for ever.
TEST_F(HostileClientTest, WhatIsNoQueryGetsNothing) {
  std::string answer = ask(plain_query(kPets, kTypeA));
  EXPECT_EQ(ask(answer), "");
  std::string bad = answer.substr(0, 12);
  EXPECT_EQ(ask(bad), "");
  for (size_t size = 0; size < kHeaderBytes; ++size) EXPECT_EQ(ask(std::string(size, '\0')), "");
  std::string error = ask(plain_query(kPets, kTypeA).substr(0, 20));
  EXPECT_EQ(message_text(bytes_of(error)), "FORMERR\n");
  EXPECT_EQ(error.size(), kHeaderBytes);
  EXPECT_EQ(ask(error), "");
}

// Each name that a pod looks up is tried with every domain of its search list (ndots: 5): none of
// these may reach other servers, however they are spelled.
TEST_F(HostileClientTest, NamesOfTheSearchListStayHere) {
  for (const char* name :
       {"www.example.com.default.svc.cluster.local", "www.example.com.svc.cluster.local",
        "www.example.com.cluster.local", "WWW.example.com.Default.SVC.Cluster.LOCAL",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.cluster.local", "*.cluster.local", "wpad.cluster.local"}) {
    EXPECT_TRUE(message_text(bytes_of(ask(plain_query(name, kTypeA)))).starts_with("NXDOMAIN aa\n"))
        << name;
  }
  EXPECT_TRUE(upstream_.asked.empty());
  EXPECT_EQ(ask(plain_query("www.example.com", kTypeA)), "");
  EXPECT_EQ(upstream_.asked, std::vector<std::string>{"www.example.com."});
}

TEST_F(HostileClientTest, PointersInAQuestion) {
  std::string query = plain_query("a.b", kTypeA);
  for (uint16_t target : {0, 12, 14, 0x3FFF}) {
    std::string bad = query;
    write16(reinterpret_cast<uint8_t*>(bad.data()) + 14, static_cast<uint16_t>(0xC000 | target));
    EXPECT_EQ(message_text(bytes_of(ask(bad))), "FORMERR\n") << target;
  }
  for (char length : {'\x40', '\x80', '\x3F'}) {
    std::string bad = query;
    bad[12] = length;
    EXPECT_EQ(message_text(bytes_of(ask(bad))), "FORMERR\n");
  }
}

// Names and types that nobody has don't make series of their own.
TEST_F(HostileClientTest, MetricsStayBounded) {
  for (uint32_t type = 0; type <= UINT16_MAX; ++type) {
    std::string name = "n" + std::to_string(type) + ".default.svc.cluster.local";
    std::string query = plain_query(name, static_cast<uint16_t>(type));
    query[2] = static_cast<char>(type % 16 << 3);  // and every kind of message
    ask(query);
  }
  EXPECT_LT(std::ranges::count(metrics_.text(), '\n'), 400);
}

TEST_F(HostileClientTest, MessagesOverTcpThatAreNone) {
  std::string query = plain_query("web.default.svc.cluster.local", kTypeA);
  const char* good = "NOERROR aa\nweb.default.svc.cluster.local. 5 A 10.3.0.1\n";
  EXPECT_EQ(tell(framed(query)), good);
  EXPECT_EQ(tell(framed("")), "closed");
  EXPECT_EQ(tell(framed("short")), "closed");
  std::string longest(kMaxMessageBytes, 'x');
  longest.replace(0, query.size(), query);
  EXPECT_EQ(tell(framed(longest)), "FORMERR\n");
  // Half a message, or half its length: time is up.
  EXPECT_EQ(tell(framed(query).substr(0, 20)), "closed");
  EXPECT_EQ(tell(framed(query).substr(0, 1)), "closed");
  EXPECT_EQ(tell(""), "closed");
  EXPECT_EQ(tell(framed(query)), good);
}

// Asks without end and never reads: others are answered meanwhile, and it is let go.
TEST_F(HostileClientTest, AnAnswerThatNobodyTakes) {
  os::Fd fd = connect();
  std::string query = framed(plain_query(kPets, kTypeSrv));
  std::string many;
  while (many.size() < 60'000) many += query;
  size_t sent = 0;
  bool closed = false;
  MonoTime start = loop_.mono();
  while (!closed && loop_.mono() - start < std::chrono::seconds(30)) {
    ssize_t n = ::send(fd.get(), many.data(), many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) sent += static_cast<size_t>(n);
    closed = n < 0 && errno != EAGAIN;
    EXPECT_TRUE(
        tell(framed(plain_query("web.default.svc.cluster.local", kTypeA))).starts_with("NOERROR"));
  }
  EXPECT_TRUE(closed);
  EXPECT_GT(sent, query.size());
}

TEST_F(HostileClientTest, ConnectionsOfOneClientAreBounded) {
  std::string query = framed(plain_query("web.default.svc.cluster.local", kTypeA));
  std::vector<os::Fd> held;
  for (size_t i = 0; i < kMaxClientConnections; ++i) held.push_back(connect("127.0.0.32"));
  EXPECT_EQ(tell(query, "127.0.0.32"), "closed");
  EXPECT_TRUE(tell(query, "127.0.0.33").starts_with("NOERROR")) << "somebody else";
  held.clear();
  std::string answer;
  for (int i = 0; i < 1000 && !answer.starts_with("NOERROR"); ++i) {
    answer = tell(query, "127.0.0.32");
  }
  EXPECT_TRUE(answer.starts_with("NOERROR")) << "room again";
}

}  // namespace
}  // namespace tiphys::dns
