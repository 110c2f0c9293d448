// Forwarder: asks the name servers of a resolv.conf, over UDP and, where the answer was cut, over
// TCP, and keeps what they say as long as it lives.
//
// Loop thread only. Against forged answers (RFC 5452): a socket of its own for each question, so
// that only the server that was asked is heard, with a random port and id; one question is on its
// way only once, however many ask it; nothing but the question's answer is kept.
// Whoever floods us with guesses gets nowhere: after kMaxWrongAnswers the question is asked over
// TCP. Servers are asked in the file's order; one that didn't answer comes last for a while. The
// file is read again when it changes.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "base/random.h"
#include "dns/answer_cache.h"
#include "dns/metrics.h"
#include "dns/upstream.h"

namespace tiphys::dns {

inline constexpr size_t kMaxQuestions = 1000;  // on their way; the next get REFUSED, as by CoreDNS
inline constexpr int kMaxWrongAnswers = 16;    // to one question, over UDP
inline constexpr size_t kMaxServers = 15;      // of a file, as CoreDNS' forward plugin
inline constexpr Duration kAnswerTime = std::chrono::milliseconds(1500);  // of one server
inline constexpr Duration kQuestionTime = std::chrono::seconds(5);        // of all
inline constexpr Duration kBadTime = std::chrono::seconds(10);  // a silent server comes last

class Forwarder : public Upstream {
 public:
  struct Options {
    std::string resolv_conf;               // "": no servers
    std::vector<IpAddress> own_addresses;  // ours: never asked
    uint16_t port = 53;                    // of the servers
    size_t max_questions = kMaxQuestions;
  };
  Forwarder(EpollLoop& loop, WorkerPool& pool, Random& random, Metrics& metrics, Options options);
  ~Forwarder() override;  // Requires: stop() finished, or start() was never called

  void start();
  Task<void> stop();
  // Is never asked from now on.
  void add_own_address(const IpAddress& address) { options_.own_addresses.push_back(address); }
  const AnswerCache& cache() const { return cache_; }
  bool knows_servers() const { return !file_.empty(); }  // the file was read

  size_t answer_now(Bytes message, const Query& query, size_t limit,
                    std::span<uint8_t> out) override;
  Task<std::string> resolve(std::string message, size_t limit) override;
  bool is_loop(const IpAddress& client, const Query& query) const override;

 private:
  struct Server {
    IpAddress address;
    MonoTime bad_until{};
  };
  struct Flight;
  Task<void> follow_file();
  void take_file(const std::string& text);
  Task<std::shared_ptr<Flight>> answer_of(const Query& query);
  Task<void> fly(std::shared_ptr<Flight> flight, std::string question);
  std::vector<IpAddress> order() const;
  void note(const IpAddress& address, bool answered);
  void tell(const IpAddress& server, const UpstreamAnswer& answer, MonoTime start);
  Task<std::optional<UpstreamAnswer>> ask(IpAddress server, std::string question, StopToken stop);
  // What came over UDP, and whether it has to be asked for over TCP.
  struct Heard {
    std::optional<UpstreamAnswer> answer;
    bool ask_again = false;
  };
  Task<Heard> ask_udp(IpAddress server, std::string question, StopToken stop);
  Task<std::optional<UpstreamAnswer>> ask_tcp(IpAddress server, std::string question,
                                              StopToken stop);

  EpollLoop& loop_;
  WorkerPool& pool_;
  Random& random_;
  Metrics& metrics_;
  Options options_;
  Gate gate_;
  StopSource stop_;
  AnswerCache cache_;
  std::vector<Server> servers_;
  std::string file_;  // what it said
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
};

// The servers of a resolv.conf(5), in order, kMaxServers at most; others than addresses left out.
std::vector<IpAddress> name_servers(std::string_view text);

}  // namespace tiphys::dns
