#include "dns/forwarder.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "async/deadline.h"
#include "base/log.h"
#include "base/strings.h"
#include "dns/message_stream.h"
#include "net/socket.h"
#include "os/files.h"

namespace tiphys::dns {

namespace {

constexpr Duration kFilePeriod = std::chrono::seconds(15);
constexpr size_t kMaxFileBytes = 64 << 10;
constexpr int kRounds = 2;

std::string key_of(const Query& query) {
  std::string key(query.name.wire());
  key += static_cast<char>(query.type >> 8);
  key += static_cast<char>(query.type & 0xFF);
  key += static_cast<char>((query.dnssec_ok ? 1 : 0) | (query.checking_disabled ? 2 : 0));
  return key;
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A socket whose readiness is waited for.
class Watched {
 public:
  Watched(EpollLoop& loop, int fd) : loop_(loop), fd_(fd), ready_(loop) {
    loop_.watch(fd, [this](uint32_t) { ready_.set(); });
  }
  ~Watched() { loop_.unwatch(fd_); }
  void rearm() { ready_.reset(); }
  Task<bool> wait(StopToken stop) { return ready_.wait(std::move(stop)); }

 private:
  EpollLoop& loop_;
  int fd_;
  Event ready_;
};

// Connected, or about to be; the kernel takes a random port.
os::Fd open_socket(const IpAddress& server, uint16_t port, int type) {
  Result<net::SocketAddress> to = net::numeric_address(canonical_text(server), port);
  if (!to) return os::Fd();
  os::Fd fd(::socket(to->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fd;
  bool connected = ::connect(fd.get(), to->get(), to->size) == 0 || errno == EINPROGRESS;
  return connected ? std::move(fd) : os::Fd();
}

size_t write_error(Rcode rcode, Bytes message, const Query& query, size_t limit,
                   std::span<uint8_t> out) {
  AnswerWriter writer(out, limit, message, query);
  return writer.finish(rcode);
}

bool is_final(const UpstreamAnswer& answer) {
  return answer.rcode == kNoError || answer.rcode == kNxDomain;
}

}  // namespace

// A question that is on its way.
struct Forwarder::Flight {
  Flight(Loop& loop, std::string key_in, uint16_t type_in)
      : key(std::move(key_in)), type(type_in), landed(loop) {}
  std::string key;
  uint16_t type;
  Event landed;
  std::optional<UpstreamAnswer> answer;  // nothing: nobody answered
  bool refused = false;                  // too many are on their way
};

Forwarder::Forwarder(EpollLoop& loop, WorkerPool& pool, Random& random, Metrics& metrics,
                     Options options)
    : loop_(loop),
      pool_(pool),
      random_(random),
      metrics_(metrics),
      options_(std::move(options)),
      gate_(loop) {}

Forwarder::~Forwarder() = default;

void Forwarder::start() {
  if (!options_.resolv_conf.empty()) gate_.spawn(follow_file());
}

Task<void> Forwarder::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> Forwarder::follow_file() {
  std::string path = options_.resolv_conf;
  while (!stop_.stop_requested()) {
    Result<std::string> text =
        co_await run_blocking(loop_, pool_, [path] { return os::read_file(path, kMaxFileBytes); });
    if (text) take_file(*text);
    (void)co_await sleep_for(loop_, kFilePeriod, stop_.token());
  }
}

void Forwarder::take_file(const std::string& text) {
  if (text == file_) return;
  file_ = text;
  servers_.clear();
  for (const IpAddress& address : name_servers(text)) servers_.push_back({address});
  LOG_INFO("Names outside of the cluster are asked for", {"servers", servers_.size()});
}

std::vector<IpAddress> name_servers(std::string_view text) {
  std::vector<IpAddress> out;
  for (std::string_view line : split(text, '\n')) {
    std::optional<std::string_view> rest = cut_prefix(trim(line), "nameserver");
    if (!rest || rest->empty() || (rest->front() != ' ' && rest->front() != '\t')) continue;
    std::optional<IpAddress> address = parse_ip(trim(*rest));
    if (!address || std::ranges::find(out, *address) != out.end()) continue;
    if (out.size() < kMaxServers) out.push_back(*address);
  }
  return out;
}

// Those that answer first, in the file's order; never ourselves.
std::vector<IpAddress> Forwarder::order() const {
  std::vector<IpAddress> out;
  MonoTime now = loop_.mono();
  for (bool bad : {false, true}) {
    for (const Server& server : servers_) {
      bool own =
          std::ranges::find(options_.own_addresses, server.address) != options_.own_addresses.end();
      if (!own && (server.bad_until > now) == bad) out.push_back(server.address);
    }
  }
  return out;
}

void Forwarder::note(const IpAddress& address, bool answered) {
  auto found = std::ranges::find(servers_, address, &Server::address);
  if (found == servers_.end()) return;
  found->bad_until = answered ? MonoTime() : loop_.mono() + kBadTime;
}

size_t Forwarder::answer_now(Bytes message, const Query& query, size_t limit,
                             std::span<uint8_t> out) {
  MonoTime now = loop_.mono();
  const AnswerCache::Entry* entry = cache_.find(key_of(query), now);
  metrics_.cache(entry != nullptr, entry != nullptr && entry->answer.negative);
  if (entry == nullptr) return 0;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - entry->stored).count();
  return write_answer(entry->answer, static_cast<uint32_t>(seconds), message, query, limit, out);
}

bool Forwarder::is_loop(const IpAddress& client, const Query& query) const {
  if (flights_.empty() || std::ranges::find(servers_, client, &Server::address) == servers_.end()) {
    return false;
  }
  return flights_.contains(key_of(query));
}

Task<std::string> Forwarder::resolve(std::string message, size_t limit) {
  Query query;
  Bytes asked = bytes_of(message);
  if (read_query(asked, query) != Verdict::kGood) co_return "";
  std::string out(limit, '\0');
  std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
  size_t size = answer_now(asked, query, limit, room);
  if (size == 0) {
    std::shared_ptr<Flight> flight = co_await answer_of(query);
    if (flight->answer) {
      size = write_answer(*flight->answer, 0, asked, query, limit, room);
    } else {
      size = write_error(flight->refused ? kRefused : kServFail, asked, query, limit, room);
    }
  }
  out.resize(size);
  co_return out;
}

// Joins the others who ask the same.
Task<std::shared_ptr<Forwarder::Flight>> Forwarder::answer_of(const Query& query) {
  std::string key = key_of(query);
  auto found = flights_.find(key);
  std::shared_ptr<Flight> flight;
  if (found != flights_.end()) {
    flight = found->second;
  } else {
    flight = std::make_shared<Flight>(loop_, key, query.type);
    flight->refused = flights_.size() >= options_.max_questions;
    if (flight->refused) metrics_.rejected();
    if (flight->refused || stop_.stop_requested()) co_return flight;
    flights_.emplace(key, flight);
    auto id = static_cast<uint16_t>(random_.next());
    std::string question = make_query(query.name, query.type, id, query.dnssec_ok);
    if (query.checking_disabled) question[3] = 0x10;
    gate_.spawn(fly(flight, std::move(question)));
  }
  (void)co_await flight->landed.wait();
  co_return flight;
}

// One that says it failed is believed only if no other one knows better.
Task<void> Forwarder::fly(std::shared_ptr<Flight> flight, std::string question) {
  Deadline deadline(loop_, kQuestionTime, stop_.token());
  for (int round = 0; round < kRounds && !deadline.token().stop_requested(); ++round) {
    std::vector<IpAddress> servers = order();
    for (const IpAddress& server : servers) {
      MonoTime start = loop_.mono();
      std::optional<UpstreamAnswer> answer = co_await ask(server, question, deadline.token());
      if (answer) tell(server, *answer, start);
      if (deadline.token().stop_requested()) break;
      note(server, answer.has_value());
      if (answer) flight->answer = std::move(answer);
      if (flight->answer && is_final(*flight->answer)) break;
    }
    if (flight->answer) break;
  }
  if (flight->answer) {
    cache_.put(flight->key, *flight->answer, loop_.mono());
    metrics_.cache_size(cache_.size());
  } else {
    metrics_.all_broken();
  }
  flights_.erase(flight->key);
  flight->landed.set();
}

void Forwarder::tell(const IpAddress& server, const UpstreamAnswer& answer, MonoTime start) {
  std::string to = canonical_text(server) + ":" + std::to_string(options_.port);
  metrics_.forwarded(to, rcode_text(answer.rcode), loop_.mono() - start);
}

Task<std::optional<UpstreamAnswer>> Forwarder::ask(IpAddress server, std::string question,
                                                   StopToken stop) {
  Deadline deadline(loop_, kAnswerTime, stop);
  Heard heard = co_await ask_udp(server, question, deadline.token());
  if (!heard.ask_again) co_return heard.answer;
  Deadline second(loop_, kAnswerTime, stop);
  std::optional<UpstreamAnswer> whole = co_await ask_tcp(server, question, second.token());
  // Better a part of it than nothing: the client sees that it was cut.
  co_return whole ? whole : heard.answer;
}

Task<Forwarder::Heard> Forwarder::ask_udp(IpAddress server, std::string question, StopToken stop) {
  os::Fd fd = open_socket(server, options_.port, SOCK_DGRAM);
  if (!fd.valid()) co_return Heard();
  Watched watched(loop_, fd.get());
  if (::send(fd.get(), question.data(), question.size(), 0) < 0) co_return Heard();
  std::string room(kMaxMessageBytes, '\0');
  for (int wrong = 0; wrong < kMaxWrongAnswers;) {
    watched.rearm();
    ssize_t size = ::recv(fd.get(), room.data(), room.size(), 0);
    if (size < 0 && errno == EAGAIN) {
      bool ready = co_await watched.wait(stop);
      if (!ready) co_return Heard();
      continue;
    }
    if (size < 0) co_return Heard();  // nobody listens there
    Bytes message = bytes_of(room).first(static_cast<size_t>(size));
    std::optional<UpstreamAnswer> answer = read_upstream_answer(message, bytes_of(question));
    if (answer) co_return Heard{answer, answer->truncated};
    ++wrong;  // what doesn't answer the question was sent by somebody who guesses
  }
  co_return Heard{.ask_again = true};
}

Task<std::optional<UpstreamAnswer>> Forwarder::ask_tcp(IpAddress server, std::string question,
                                                       StopToken stop) {
  os::Fd fd = open_socket(server, options_.port, SOCK_STREAM);
  if (!fd.valid()) co_return std::nullopt;
  {
    Watched watched(loop_, fd.get());
    bool connected = co_await watched.wait(stop);
    if (!connected) co_return std::nullopt;
  }
  MessageStream stream(loop_, std::move(fd));
  Result<void> written = co_await stream.write(question, stop);
  if (!written) co_return std::nullopt;
  std::optional<std::string> message = co_await stream.read(stop);
  if (!message) co_return std::nullopt;
  co_return read_upstream_answer(bytes_of(*message), bytes_of(question));
}

}  // namespace tiphys::dns
