#include "net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace tiphys::net {

namespace {

constexpr int kBacklog = 1024;
constexpr int kKeepAliveSeconds = 15;
constexpr int kKeepAliveProbes = 4;
constexpr unsigned kUnackedMs = 60'000;  // what was sent and isn't acknowledged: peer is dead

ApiStatus listen_error(const std::string& what, const char* call) {
  return ApiStatus::internal(what + ": " + call + ": " + go_error_text(errno));
}

Result<os::Fd> bind_and_listen(const SocketAddress& address, const std::string& what,
                               Presence presence = Presence::kPresent) {
  int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  os::Fd fd(::socket(address.storage.ss_family, type, 0));
  if (!fd.valid()) return listen_error(what, "socket");
  int on = 1;
  int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (presence == Presence::kExpected) expect_address(fd.get(), address.storage.ss_family);
  if (::bind(fd.get(), address.get(), address.size) != 0) return listen_error(what, "bind");
  if (::listen(fd.get(), kBacklog) != 0) return listen_error(what, "listen");
  return fd;
}

// True if somebody accepts on the socket file.
bool answers(const SocketAddress& address) {
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(fd.get(), address.get(), address.size) == 0 || errno == EAGAIN;
}

}  // namespace

std::string go_error_text(int error_number) { return to_lower(std::strerror(error_number)); }

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (storage.ss_family != AF_INET6) return "@";
  auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
  std::string port = ":" + std::to_string(ntohs(in.sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
    ::inet_ntop(AF_INET, &in.sin6_addr.s6_addr[12], host, sizeof host);
    return host + port;
  }
  ::inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof host);
  return "[" + std::string(host) + "]" + port;
}

Result<HostPort> split_host_port(const std::string& address) {
  size_t colon = address.rfind(':');
  bool bracketed = address.starts_with('[');
  size_t bracket = address.find(']');
  if (colon == std::string::npos ||
      (bracketed && (bracket == std::string::npos || bracket + 1 != colon))) {
    return ApiStatus::internal("address " + address + ": missing port in address");
  }
  if (bracketed) return HostPort{address.substr(1, bracket - 1), address.substr(colon + 1)};
  if (address.find(':') != colon) {
    return ApiStatus::internal("address " + address + ": too many colons in address");
  }
  return HostPort{address.substr(0, colon), address.substr(colon + 1)};
}

std::string join_host_port(std::string_view host, uint16_t port) {
  bool v6 = host.find(':') != host.npos;
  return (v6 ? "[" : "") + std::string(host) + (v6 ? "]:" : ":") + std::to_string(port);
}

Result<SocketAddress> numeric_address(const std::string& host, uint16_t port) {
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
    return address;
  }
  std::string text = host.empty() ? "::" : host;
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) {
    return ApiStatus::internal("address " + host + ": not an IP address");
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  address.size = sizeof v6;
  return address;
}

Result<SocketAddress> unix_address(const std::string& path) {
  SocketAddress address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty() || path.size() >= sizeof un.sun_path) {
    return ApiStatus::internal("unix socket path " + path + ": too long, or empty");
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

void expect_address(int fd, int family) {
  int on = 1;
  bool v6 = family == AF_INET6;
  ::setsockopt(fd, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_FREEBIND : IP_FREEBIND, &on,
               sizeof on);
}

Result<os::Fd> listen_tcp(const std::string& host, uint16_t port, Presence presence) {
  TIPHYS_TRY(SocketAddress, address, numeric_address(host, port));
  std::string what = "listen tcp " + address.text();
  if (!host.empty() && host != "0.0.0.0") return bind_and_listen(address, what, presence);
  TIPHYS_TRY(SocketAddress, every, numeric_address("::", port));
  auto listening = bind_and_listen(every, what);
  // A machine without IPv6: every address is then every IPv4 address.
  bool none = !listening && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
  if (!none) return listening;
  TIPHYS_TRY(SocketAddress, every_v4, numeric_address("0.0.0.0", port));
  return bind_and_listen(every_v4, what);
}

Result<os::Fd> listen_unix_path(const std::string& path) {
  TIPHYS_TRY(SocketAddress, address, unix_address(path));
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && !answers(address)) {
    ::unlink(path.c_str());
  }
  mode_t before = ::umask(0177);
  auto listening = bind_and_listen(address, "listen unix " + path);
  ::umask(before);
  return listening;
}

uint16_t bound_port(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  auto* raw = reinterpret_cast<sockaddr*>(&address.storage);
  if (::getsockname(fd, raw, &address.size) != 0) return 0;
  if (address.storage.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
  }
  if (address.storage.ss_family != AF_INET6) return 0;
  return ntohs(reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port);
}

void tune_tcp(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnackedMs, sizeof kUnackedMs);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof kKeepAliveProbes);
}

}  // namespace tiphys::net
