// ServerConnection: one accepted socket: handshake, choice of protocol, reading, writing,
// time-outs. The protocols (http1_server, http2_server) hang on it. Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "net/output.h"
#include "net/server_core.h"
#include "net/wire.h"

namespace tiphys::net {

// HTTP/1.1 or HTTP/2 on a connection. After connection.close() no call is made but on_closed.
class ServerProtocol {
 public:
  virtual ~ServerProtocol() = default;
  // Takes all of the bytes.
  virtual void on_input(std::string_view bytes) = 0;
  virtual void on_input_end() = 0;
  virtual bool wants_input() const { return true; }
  // After a batch of input, after a write made room, or when asked by flush_soon(): fill and write.
  virtual void on_flush() = 0;
  virtual void on_closed() = 0;
  // Finish what runs, take nothing new, then close.
  virtual void begin_stop() = 0;
  // The grace is over, or the client vanished: tell every handler.
  virtual void cancel_all() = 0;
  // False: a time-out passed, close.
  virtual bool on_tick(MonoTime now) = 0;
};

class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(ServerCore& core, os::Fd fd, std::string remote_address);
  ~ServerConnection();
  void start();
  void close();
  void begin_stop();
  void cancel_all();
  void on_tick(MonoTime now);

  ServerCore& core() { return core_; }
  Output& output() { return output_; }
  bool closed() const { return closed_; }
  // Writes what the output holds. False: blocked, or closed.
  bool write_output();
  // Calls on_flush() soon, once for any number of calls.
  void flush_soon();
  // Reading was paused by wants_input(): go on soon.
  void read_soon();
  void shut_write() { wire_.shut_write(); }
  // Gives wire and unwritten output away; the connection is closed after it.
  std::unique_ptr<WireStream> hand_over(std::string early);
  const std::string& remote_address() const { return remote_address_; }
  std::shared_ptr<const crypto::Certificate> peer_certificate() const { return certificate_; }

 private:
  enum class Stage { kHandshake, kSniff, kOpen };
  void on_ready();
  bool shake_hands();
  void read_input();
  void take_input(std::string_view bytes);
  void sniff(std::string_view bytes);
  void choose(bool http2);

  ServerCore& core_;
  Wire wire_;
  Output output_;
  std::unique_ptr<ServerProtocol> protocol_;
  std::string remote_address_;
  std::shared_ptr<const crypto::Certificate> certificate_;
  std::string sniffed_;
  Stage stage_ = Stage::kHandshake;
  bool closed_ = false;
  bool input_ended_ = false;
  bool flush_posted_ = false;
  bool read_posted_ = false;
  MonoTime opened_;
  MonoTime blocked_since_{0};  // writing made no progress since; 0: isn't blocked
};

std::unique_ptr<ServerProtocol> make_http1_server(ServerConnection& connection);
std::unique_ptr<ServerProtocol> make_http2_server(ServerConnection& connection);

}  // namespace tiphys::net
