// Server: the sockets of a name server, UDP and TCP (RFC 1035, 4.2; RFC 7766). UDP messages are
// taken and answered in batches; a TCP connection's queries are answered in their order, and others
// get their turn after each. Strangers' connections are closed at once.
//
// Loop thread only. Addresses need not exist yet when they are listened on (IP_FREEBIND).
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "dns/front.h"
#include "os/files.h"

namespace tiphys::dns {

inline constexpr size_t kMaxConnections = 256;       // TCP; the next ones are closed at once
inline constexpr size_t kMaxClientConnections = 32;  // of one address
inline constexpr size_t kMaxLater = 2000;  // UDP queries that wait for others; the next are dropped
// Of a connection: for a whole query to come, and for an answer to be taken.
inline constexpr Duration kIdleTime = std::chrono::seconds(10);

class Server {
 public:
  Server(EpollLoop& loop, Front& front, Duration idle_time = kIdleTime);
  ~Server();  // Requires: stop() finished, or listen() was never called

  // Error: the address is none, or taken.
  Result<void> listen(const std::string& address, uint16_t port);
  // Where it listens, one of the calls of listen() each; the port counts where 0 was given.
  uint16_t port() const { return port_; }
  Task<void> stop();

 private:
  struct Socket;
  struct Batch;
  void receive(std::shared_ptr<Socket> socket);
  bool receive_batch(const std::shared_ptr<Socket>& socket);
  void answer_batch(const std::shared_ptr<Socket>& socket, int count);
  Task<void> answer_later(std::shared_ptr<Socket> socket, size_t at, std::string message);
  void accept_some(std::shared_ptr<Socket> socket);
  Task<void> serve(os::Fd fd, IpAddress client);
  Result<void> open(const std::string& address, uint16_t port, int type);

  EpollLoop& loop_;
  Front& front_;
  Duration idle_time_;
  Gate gate_;
  StopSource stop_;
  std::vector<std::shared_ptr<Socket>> sockets_;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<std::vector<uint8_t>> tcp_room_;
  uint16_t port_ = 0;
  size_t later_ = 0;
  size_t connections_ = 0;
  std::map<std::string, size_t> by_client_;
};

}  // namespace tiphys::dns
