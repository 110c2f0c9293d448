#include "tests/cases/server_world.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace tiphys::cases {
namespace {

constexpr Duration kLimit = std::chrono::minutes(1);

// The process listens although nobody connects: a port that is free now.
int64_t free_port() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "cases: %s\n", why.c_str());
  std::abort();
}

template <class T>
Task<void> keep(EpollLoop& loop, Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
  loop.stop();
}

Task<bool> done(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

}  // namespace

ServerWorld::ServerWorld(std::string ranges) : ranges_(std::move(ranges)) {
  std::ofstream tokens(folder_.path() + "/tokens.csv");
  tokens << kAdminToken << ",admin,admin,\"system:masters\"\n";
  tokens.close();
  start();
}

ServerWorld::~ServerWorld() { stop(); }

void ServerWorld::restart() {
  stop();
  start();
}

// As the server that ../shared/golden describes: nobody makes service accounts here, so their
// admission is off.
void ServerWorld::start() {
  ApiServerFlags flags;
  flags.data_dir = folder_.path() + "/data";
  // The service `kubernetes` is of the first range's family, and so is its endpoint.
  bool v6 = ranges_.substr(0, ranges_.find(',')).find(':') != ranges_.npos;
  flags.bind_address = v6 ? "::1" : "127.0.0.1";
  flags.service_cidr = ranges_;
  flags.secure_port = free_port();
  flags.token_auth_file = folder_.path() + "/tokens.csv";
  flags.disable_admission_plugins = {"ServiceAccount"};
  process_ = std::make_unique<ApiServerProcess>(host_, flags);
  Result<void> started = run(process_->start());
  if (!started) give_up("the server does not start: " + started.error().message());
}

void ServerWorld::stop() {
  run(done(process_->stop()));
  process_.reset();
}

void ServerWorld::pass(Duration time) { run(sleep_for(host_.loop(), time)); }

MonoTime ServerWorld::mono() const { return SystemClock().mono(); }

template <class T>
T ServerWorld::run(Task<T> task) {
  EpollLoop& loop = host_.loop();
  auto timer = loop.call_after(kLimit, [] { give_up("a call took longer than a minute"); });
  std::optional<T> value;
  loop.post([&] { spawn(keep<T>(loop, std::move(task), &value)); });
  while (!value) loop.run();
  loop.cancel(timer);
  return std::move(*value);
}

Reply ServerWorld::send(net::Request request, std::function<bool(std::string_view)> enough,
                        Duration limit) {
  return run(exchange(std::move(request), std::move(enough), limit));
}

Task<Reply> ServerWorld::exchange(net::Request request,
                                  std::function<bool(std::string_view)> enough, Duration limit) {
  Loop& loop = host_.loop();
  StopSource late;
  auto timer = loop.call_after(limit, [&late] { late.request_stop(); });
  net::Response response = co_await process_->server().handle(std::move(request));
  Reply reply{.status = response.status, .headers = response.headers};
  if (response.body) reply.body = *response.body;
  while (response.stream) {
    if (enough && enough(reply.body)) break;
    Result<net::Bytes> chunk = co_await response.stream->next(late.token());
    if (!chunk || !*chunk) break;
    reply.body += **chunk;
  }
  reply.ended = !late.stop_requested() && !(response.stream && enough && enough(reply.body));
  loop.cancel(timer);
  co_return reply;
}

}  // namespace tiphys::cases
