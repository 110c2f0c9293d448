#include "net/dial.h"

#include <netdb.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "crypto/tls.h"
#include "net/socket.h"

namespace tiphys::net {

namespace {

// Watches a wire while it is being opened.
class Opening {
 public:
  Opening(EpollLoop& loop, int fd) : loop_(loop), fd_(fd), ready_(loop) {
    loop_.watch(fd, [this](uint32_t) { ready_.set(); });
  }
  ~Opening() { loop_.unwatch(fd_); }
  void rearm() { ready_.reset(); }
  Task<bool> wait(StopToken stop, MonoTime deadline) {
    Duration left = deadline - loop_.mono();
    if (left <= Duration::zero()) co_return false;
    bool ready = co_await ready_.wait(std::move(stop), left);
    co_return ready;
  }

 private:
  EpollLoop& loop_;
  int fd_;
  Event ready_;
};

ApiStatus dial_error(const std::string& what, const std::string& why) {
  return ApiStatus::service_unavailable("dial " + what + ": " + why);
}

ApiStatus gave_up(const StopToken& stop, const std::string& what) {
  return stop.stop_requested() ? ApiStatus::stopped() : dial_error(what, "i/o timeout");
}

Result<std::vector<SocketAddress>> look_up(HostPort name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int error = ::getaddrinfo(name.host.c_str(), name.port.c_str(), &hints, &found);
  if (error != 0) {
    return dial_error("tcp", "lookup " + name.host + ": " + to_lower(::gai_strerror(error)));
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (addrinfo* next = found; next; next = next->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, next->ai_addr, next->ai_addrlen);
    address.size = next->ai_addrlen;
    addresses.push_back(address);
  }
  return addresses;
}

Result<std::vector<SocketAddress>> without_lookup(const HostPort& name) {
  auto port = parse_uint(name.port);
  if (!port || *port > 65535) return dial_error("tcp", "address " + name.port + ": invalid port");
  std::string host = name.host == "localhost" ? "127.0.0.1" : name.host;
  if (host.empty()) host = "127.0.0.1";
  TIPHYS_TRY(SocketAddress, address, numeric_address(host, static_cast<uint16_t>(*port)));
  return std::vector{address};
}

Task<Result<std::vector<SocketAddress>>> resolve(EpollLoop& loop, WorkerPool& pool,
                                                 std::string address) {
  if (auto path = cut_prefix(address, "unix:")) {
    auto resolved = unix_address(std::string(*path));
    if (!resolved) co_return resolved.error();
    co_return std::vector{*resolved};
  }
  auto name = split_host_port(address);
  if (!name) co_return dial_error("tcp", name.error().message());
  auto direct = without_lookup(*name);
  if (direct) co_return direct;
  auto job = [target = *name] { return look_up(target); };
  Result<std::vector<SocketAddress>> found = co_await run_blocking(loop, pool, job);
  co_return found;
}

Task<Result<Wire>> connect_to(EpollLoop& loop, SocketAddress address, std::string what,
                              MonoTime deadline, StopToken stop) {
  int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  os::Fd fd(::socket(address.storage.ss_family, type, 0));
  if (!fd.valid()) co_return dial_error(what, "socket: " + go_error_text(errno));
  if (address.storage.ss_family != AF_UNIX) tune_tcp(fd.get());
  int number = fd.get();
  if (::connect(number, address.get(), address.size) != 0) {
    if (errno != EINPROGRESS) co_return dial_error(what, "connect: " + go_error_text(errno));
    Opening opening(loop, number);
    bool ready = co_await opening.wait(stop, deadline);
    if (!ready) co_return gave_up(stop, what);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) co_return dial_error(what, "connect: " + go_error_text(error));
  }
  co_return Wire(std::move(fd));
}

Task<Result<Wire>> secure(EpollLoop& loop, Wire wire, DialTarget target, MonoTime deadline,
                          StopToken stop) {
  std::string what = "tcp " + target.address;
  if (!wire.start_tls_client(target.tls->context())) co_return dial_error(what, "tls: no memory");
  auto expected = target.tls->expect_peer(wire.ssl(), target.server_name);
  if (!expected) co_return expected.error();
  if (target.http1_only && !wire.offer_http1_only()) co_return dial_error(what, "tls: no memory");
  Opening opening(loop, wire.fd());
  while (true) {
    opening.rearm();
    ssize_t step = wire.handshake();
    if (step == Wire::kEnd) break;
    if (step == Wire::kBroken) co_return ApiStatus::service_unavailable(wire.error());
    bool ready = co_await opening.wait(stop, deadline);
    if (!ready) co_return gave_up(stop, what);
  }
  co_return std::move(wire);
}

}  // namespace

Task<Result<Wire>> dial(EpollLoop& loop, WorkerPool& pool, DialTarget target, StopToken stop) {
  MonoTime deadline = loop.mono() + target.timeout;
  auto addresses = co_await resolve(loop, pool, target.address);
  if (!addresses) co_return addresses.error();
  Result<Wire> wire = dial_error("tcp " + target.address, "no address");
  for (const SocketAddress& address : *addresses) {
    bool local = address.storage.ss_family == AF_UNIX;
    std::string what = local ? "unix " + target.address.substr(5) : "tcp " + address.text();
    wire = co_await connect_to(loop, address, what, deadline, stop);
    if (wire || wire.error().is_stopped()) break;
  }
  if (!wire || !target.tls) co_return std::move(wire);
  Result<Wire> secured = co_await secure(loop, std::move(*wire), target, deadline, stop);
  co_return std::move(secured);
}

}  // namespace tiphys::net
