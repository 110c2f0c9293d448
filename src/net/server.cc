#include "net/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "net/server_connection.h"
#include "net/server_core.h"
#include "net/socket.h"

namespace tiphys::net {

namespace {

constexpr Duration kAcceptPause = std::chrono::milliseconds(500);  // out of descriptors
constexpr Duration kMaxSweepInterval = std::chrono::seconds(5);
constexpr Duration kMinSweepInterval = std::chrono::milliseconds(20);
constexpr int kAcceptsPerTurn = 64;

Duration sweep_interval(const ServerLimits& limits) {
  Duration shortest = std::min({limits.idle_timeout, limits.header_timeout, limits.body_timeout});
  return std::clamp(shortest / 4, kMinSweepInterval, kMaxSweepInterval);
}

}  // namespace

const std::string& ServerCore::date() {
  int64_t second = loop.wall() / kMicrosPerSecond;
  if (second == date_second_) return date_;
  date_second_ = second;
  time_t time = second;
  tm parts{};
  ::gmtime_r(&time, &parts);
  char text[40];
  date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return date_;
}

// The connection may be deep in its own calls: it is destroyed from the loop.
void ServerCore::forget(ServerConnection* connection) {
  auto found = connections.extract(connection);
  if (found) loop.post([gone = std::move(found.mapped())] {});
  if (connections.empty()) emptied.set();
}

void ServerCore::add_upgraded(std::weak_ptr<WireStream::State> state) {
  upgraded.remove_if([](const auto& old) { return old.expired(); });
  upgraded.push_back(std::move(state));
}

size_t ServerCore::open_connections() {
  if (connections.size() + upgraded.size() >= limits.max_connections) {
    upgraded.remove_if([](const auto& old) { return old.expired(); });
  }
  return connections.size() + upgraded.size();
}

struct Server::Impl {
  Impl(EpollLoop& loop, std::shared_ptr<crypto::ServerTls> tls, Handler handler,
       ServerLimits limits)
      : core(loop, std::move(tls), std::move(handler), limits) {
    core.emptied.set();
  }
  ~Impl() { stop_timers(); }

  ServerCore core;
  std::vector<os::Fd> listeners;
  std::vector<std::string> socket_files;
  Loop::TimerId sweep_timer = 0;
  Loop::TimerId accept_timer = 0;

  void add_listener(os::Fd fd);
  void accept_some(int listener);
  void pause_accepting(int listener);
  void open(os::Fd fd, std::string remote);
  void arm_sweep();
  void sweep();
  void stop_timers();
  void close_listeners();
  void close_upgraded();
  template <class Fn>
  void each_connection(Fn fn);
};

void Server::Impl::add_listener(os::Fd fd) {
  int number = fd.get();
  listeners.push_back(std::move(fd));
  core.loop.watch(number, [this, number](uint32_t) { accept_some(number); });
}

void Server::Impl::accept_some(int listener) {
  for (int turn = 0; turn < kAcceptsPerTurn; ++turn) {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    auto* raw = reinterpret_cast<sockaddr*>(&peer.storage);
    int accepted = ::accept4(listener, raw, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
      open(os::Fd(accepted), peer.text());
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EAGAIN) pause_accepting(listener);
    return;
  }
  core.loop.post([this, listener] {
    if (!listeners.empty()) accept_some(listener);
  });
}

// Edge-triggered: nobody would tell us about the clients that wait.
void Server::Impl::pause_accepting(int listener) {
  LOG_ERROR("Accepting connections failed, will retry", {"err", go_error_text(errno)});
  core.loop.cancel(accept_timer);
  accept_timer = core.loop.call_after(kAcceptPause, [this, listener] { accept_some(listener); });
}

void Server::Impl::open(os::Fd fd, std::string remote) {
  if (core.open_connections() >= core.limits.max_connections) return;
  core.now = core.loop.mono();
  tune_tcp(fd.get());
  auto connection = std::make_shared<ServerConnection>(core, std::move(fd), std::move(remote));
  core.connections.emplace(connection.get(), connection);
  core.emptied.reset();
  connection->start();
  arm_sweep();
}

void Server::Impl::arm_sweep() {
  if (sweep_timer != 0 || core.connections.empty()) return;
  sweep_timer = core.loop.call_after(sweep_interval(core.limits), [this] {
    sweep_timer = 0;
    sweep();
    arm_sweep();
  });
}

void Server::Impl::sweep() {
  core.now = core.loop.mono();
  each_connection([this](ServerConnection& connection) { connection.on_tick(core.now); });
}

template <class Fn>
void Server::Impl::each_connection(Fn fn) {
  std::vector<std::shared_ptr<ServerConnection>> all;
  for (auto& [key, connection] : core.connections) all.push_back(connection);
  for (auto& connection : all) {
    if (!connection->closed()) fn(*connection);
  }
}

void Server::Impl::stop_timers() {
  core.loop.cancel(std::exchange(sweep_timer, 0));
  core.loop.cancel(std::exchange(accept_timer, 0));
}

void Server::Impl::close_listeners() {
  for (os::Fd& fd : listeners) core.loop.unwatch(fd.get());
  listeners.clear();
  for (const std::string& path : std::exchange(socket_files, {})) ::unlink(path.c_str());
  core.loop.cancel(std::exchange(accept_timer, 0));
}

void Server::Impl::close_upgraded() {
  for (auto& weak : std::exchange(core.upgraded, {})) {
    if (auto state = weak.lock()) WireStream::close_state(*state);
  }
}

Server::Server(EpollLoop& loop, std::shared_ptr<crypto::ServerTls> tls, Handler handler,
               ServerLimits limits)
    : impl_(std::make_unique<Impl>(loop, std::move(tls), std::move(handler), limits)) {}

Server::~Server() = default;

Result<void> Server::listen(std::string address, uint16_t port, Presence presence) {
  TIPHYS_TRY(os::Fd, fd, listen_tcp(address, port, presence));
  impl_->add_listener(std::move(fd));
  return {};
}

Result<void> Server::listen_unix(std::string path) {
  TIPHYS_TRY(os::Fd, fd, listen_unix_path(path));
  impl_->socket_files.push_back(std::move(path));
  impl_->add_listener(std::move(fd));
  return {};
}

uint16_t Server::port() const {
  return impl_->listeners.empty() ? 0 : bound_port(impl_->listeners[0].get());
}

Task<void> Server::stop(Duration grace) {
  Impl& impl = *impl_;
  impl.close_listeners();
  impl.core.stopping = true;
  impl.each_connection([](ServerConnection& connection) { connection.begin_stop(); });
  if (grace > Duration::zero()) co_await impl.core.emptied.wait({}, grace);
  impl.each_connection([](ServerConnection& connection) { connection.cancel_all(); });
  impl.each_connection([](ServerConnection& connection) { connection.close(); });
  impl.close_upgraded();
  co_await impl.core.gate.close();
  impl.stop_timers();
  // Connections that were closed just now are destroyed by posted callbacks.
  co_await yield(impl.core.loop);
}

}  // namespace tiphys::net
