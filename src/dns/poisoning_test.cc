// Those who would like to answer in a name server's place (RFC 5452): what they would have to
// guess, and what becomes of their guesses. The name server is a bare socket, so that its client's
// port and the datagrams' order are in the test's hands.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "dns/dns_text_test.h"
#include "dns/forwarder.h"
#include "dns/message_stream.h"
#include "net/socket.h"
#include "net/test_world.h"
#include "os/files.h"

namespace tiphys::dns {
namespace {

constexpr const char* kServer = "127.0.0.21";

struct Asked {
  std::string question;
  sockaddr_in from{};
  uint16_t id() const { return read16(bytes_of(question), 0); }
};

os::Fd udp_socket(const char* address) {
  auto at = net::numeric_address(address, 0);
  os::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), at->get(), at->size), 0);
  return fd;
}

class PoisoningTest : public testing::Test {
 public:
  PoisoningTest() : udp_(udp_socket(kServer)), forger_(udp_socket("127.0.0.22")) {
    folder_ = std::filesystem::temp_directory_path() / ("poison-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
    loop_.watch(udp_.get(), [this](uint32_t) { receive(); });
  }
  ~PoisoningTest() override {
    net::run_task(loop_, forwarder_->stop());
    loop_.unwatch(udp_.get());
    if (tcp_.valid()) loop_.unwatch(tcp_.get());
    std::filesystem::remove_all(folder_);
  }

  void start(size_t max_questions = kMaxQuestions) {
    std::string path = folder_ / "resolv.conf";
    ASSERT_TRUE(os::write_file(path, std::string("nameserver ") + kServer + "\n"));
    Forwarder::Options options{.resolv_conf = path, .own_addresses = {}, .port = port()};
    options.max_questions = max_questions;
    forwarder_ = std::make_unique<Forwarder>(loop_, pool_, random_, metrics_, options);
    forwarder_->start();
    net::run_task(loop_, until_known());
  }
  Task<void> until_known() {
    while (!forwarder_->knows_servers()) co_await sleep_for(loop_, std::chrono::milliseconds(1));
  }
  uint16_t port() const { return net::bound_port(udp_.get()); }
  std::string ask(const std::string& name) {
    return message_text(
        bytes_of(net::run_task(loop_, forwarder_->resolve(plain_query(name, kTypeA), 512))));
  }

  // "192.0.2.LAST" for what was asked, and for `also`.
  static std::string answer(const std::string& question, char last, const std::string& also = "") {
    Query query;
    EXPECT_EQ(read_query(bytes_of(question), query), Verdict::kGood);
    std::string out(512, '\0');
    std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
    AnswerWriter writer(room, out.size(), bytes_of(question), query);
    std::string address{'\xC0', '\0', '\2', last};
    writer.add(Section::kAnswer, query.name.wire(), kTypeA, 300, address);
    for (Section section : {Section::kAnswer, Section::kAuthority, Section::kAdditional}) {
      if (also.empty()) break;
      writer.add(section, Name::from_text(also)->wire(), kTypeA, 300, address);
    }
    out.resize(writer.finish(kNoError));
    return out;
  }
  static void send(const os::Fd& from, const Asked& to, const std::string& message) {
    EXPECT_EQ(::sendto(from.get(), message.data(), message.size(), 0,
                       reinterpret_cast<const sockaddr*>(&to.from), sizeof to.from),
              static_cast<ssize_t>(message.size()));
  }
  void forge(const Asked& asked, int count) {
    for (int i = 1; i <= count; ++i) {
      std::string guess = answer(asked.question, 66);
      write16(reinterpret_cast<uint8_t*>(guess.data()), static_cast<uint16_t>(asked.id() + i));
      send(udp_, asked, guess);
    }
  }
  // One question over TCP gets its answer.
  void answer_over_tcp() {
    auto fd = net::listen_tcp(kServer, port());
    ASSERT_TRUE(fd);
    tcp_ = std::move(*fd);
    loop_.watch(tcp_.get(), [this](uint32_t) {
      int one = ::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (one >= 0) spawn(serve(os::Fd(one)));
    });
  }
  Task<void> serve(os::Fd fd) {
    MessageStream stream(loop_, std::move(fd));
    std::optional<std::string> question = co_await stream.read({});
    if (!question) co_return;
    ++over_tcp_;
    (void)co_await stream.write(answer(*question, 1), {});
  }

  void receive() {
    Asked one;
    one.question.resize(512);
    socklen_t size = sizeof one.from;
    ssize_t got = 0;
    while ((got = ::recvfrom(udp_.get(), one.question.data(), 512, 0,
                             reinterpret_cast<sockaddr*>(&one.from), &size)) > 0) {
      asked_.push_back(one);
      asked_.back().question.resize(static_cast<size_t>(got));
      react_(asked_.back());
    }
  }

  EpollLoop loop_;
  WorkerPool pool_{1};
  SystemRandom random_;
  Metrics metrics_;
  std::filesystem::path folder_;
  os::Fd udp_;
  os::Fd forger_;
  os::Fd tcp_;
  int over_tcp_ = 0;
  std::vector<Asked> asked_;
  std::function<void(const Asked&)> react_ = [this](const Asked& asked) {
    send(udp_, asked, answer(asked.question, 1));
  };
  std::unique_ptr<Forwarder> forwarder_;
};

TEST_F(PoisoningTest, EachQuestionHasAPortAndAnIdOfItsOwn) {
  start();
  std::set<uint16_t> ports;
  std::set<uint16_t> ids;
  for (int i = 0; i < 64; ++i) {
    std::string name = "n" + std::to_string(i) + ".example";
    EXPECT_EQ(ask(name), "NOERROR\n" + name + ". 300 A 192.0.2.1\n");
    ports.insert(ntohs(asked_.back().from.sin_port));
    ids.insert(asked_.back().id());
  }
  EXPECT_GT(ports.size(), 56u);
  EXPECT_GT(ids.size(), 56u);
  int steps = 0;  // neither counts up
  for (size_t i = 1; i < asked_.size(); ++i) {
    auto step = static_cast<uint16_t>(asked_[i].id() - asked_[i - 1].id());
    if (step <= 2) ++steps;
  }
  EXPECT_LT(steps, 4);
}

TEST_F(PoisoningTest, NobodyElseIsHeard) {
  react_ = [this](const Asked& asked) {
    send(forger_, asked, answer(asked.question, 66));  // the right id, from elsewhere
    send(udp_, asked, answer(asked.question, 1));
  };
  start();
  EXPECT_EQ(ask("www.example"), "NOERROR\nwww.example. 300 A 192.0.2.1\n");
}

TEST_F(PoisoningTest, AFewWrongGuessesAreNotHeard) {
  react_ = [this](const Asked& asked) {
    forge(asked, kMaxWrongAnswers - 1);
    send(udp_, asked, answer(asked.question, 1));
  };
  start();
  EXPECT_EQ(ask("www.example"), "NOERROR\nwww.example. 300 A 192.0.2.1\n");
}

// A flood of guesses could meet the right one: TCP can't be answered blindly.
TEST_F(PoisoningTest, ManyWrongGuessesLeadToTcp) {
  react_ = [this](const Asked& asked) {
    forge(asked, kMaxWrongAnswers);
    send(udp_, asked, answer(asked.question, 66));  // then one that is right
  };
  answer_over_tcp();
  start();
  EXPECT_EQ(ask("www.example"), "NOERROR\nwww.example. 300 A 192.0.2.1\n");
  EXPECT_EQ(over_tcp_, 1);
}

TEST_F(PoisoningTest, WhatComesWithAnAnswerIsNotKeptForOtherNames) {
  react_ = [this](const Asked& asked) {
    bool first = asked_.size() == 1;
    send(udp_, asked, answer(asked.question, first ? 66 : 1, first ? "bank.example" : ""));
  };
  start();
  EXPECT_TRUE(ask("evil.example").starts_with("NOERROR\nevil.example. 300 A 192.0.2.66\n"));
  EXPECT_EQ(ask("bank.example"), "NOERROR\nbank.example. 300 A 192.0.2.1\n");
  EXPECT_EQ(asked_.size(), 2u);
}

// Names without end (random subdomains) take a bounded number of sockets; then there is a quick no.
TEST_F(PoisoningTest, QuestionsOnTheirWayAreBounded) {
  std::vector<Asked> waiting;
  react_ = [&](const Asked& asked) { waiting.push_back(asked); };
  start(4);
  int left = 4;
  for (int i = 0; i < 4; ++i) {
    spawn([](PoisoningTest* test, std::string name, int* open) -> Task<void> {
      std::string got = co_await test->forwarder_->resolve(plain_query(name, kTypeA), 512);
      EXPECT_TRUE(message_text(bytes_of(got)).starts_with("NOERROR")) << name;
      if (--*open == 0) test->loop_.stop();
    }(this, "n" + std::to_string(i) + ".example", &left));
  }
  EXPECT_EQ(ask("one-more.example"), "REFUSED\n");
  react_ = [this](const Asked& asked) { send(udp_, asked, answer(asked.question, 1)); };
  loop_.post([&] {
    for (const Asked& asked : waiting) send(udp_, asked, answer(asked.question, 1));
    waiting.clear();
  });
  while (left > 0) loop_.run();
  EXPECT_EQ(ask("one-more.example"), "NOERROR\none-more.example. 300 A 192.0.2.1\n");
}

}  // namespace
}  // namespace tiphys::dns
