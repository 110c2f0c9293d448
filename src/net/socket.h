// Sockets by text address: listen, connect, and how addresses are written. Stateless.
#pragma once
#include <sys/socket.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  // "10.0.0.1:80", "[::1]:80", "@" for unix.
  std::string text() const;
};

struct HostPort {
  std::string host;  // without brackets
  std::string port;
};
// "127.0.0.1:6443", "[::1]:6443", "name:port". Error: "address x: missing port in address".
Result<HostPort> split_host_port(const std::string& address);
// As Go's net.JoinHostPort: an IPv6 address gets brackets.
std::string join_host_port(std::string_view host, uint16_t port);

// A numeric address ("" is every address) and a port.
Result<SocketAddress> numeric_address(const std::string& host, uint16_t port);
Result<SocketAddress> unix_address(const std::string& path);
// Whether the machine has an address already, or gets it later (IP_FREEBIND).
enum class Presence : uint8_t { kPresent, kExpected };
// A listening, non-blocking socket. "" and, as for Go, "0.0.0.0" and "::" are every address of both
// families. Errors: "listen tcp 127.0.0.1:1: bind: permission denied".
Result<os::Fd> listen_tcp(const std::string& host, uint16_t port,
                          Presence presence = Presence::kPresent);
// Lets a socket be bound to an address that isn't there yet.
void expect_address(int fd, int family);
// Mode 0600; a stale socket file is replaced, any other file is an error.
Result<os::Fd> listen_unix_path(const std::string& path);
uint16_t bound_port(int fd);
void tune_tcp(int fd);  // no delay, keep-alive that notices dead peers
// Go's wording of an errno: "connection refused".
std::string go_error_text(int error_number);

}  // namespace tiphys::net
