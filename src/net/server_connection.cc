#include "net/server_connection.h"

#include "crypto/tls.h"

namespace tiphys::net {

namespace {
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Read from one connection before others get their turn.
constexpr size_t kBytesPerTurn = 256 * 1024;
}  // namespace

ServerConnection::ServerConnection(ServerCore& core, os::Fd fd, std::string remote_address)
    : core_(core),
      wire_(std::move(fd)),
      output_(core.buffers),
      remote_address_(std::move(remote_address)),
      opened_(core.now) {}

ServerConnection::~ServerConnection() = default;

void ServerConnection::start() {
  if (core_.tls && !wire_.start_tls_server(core_.tls->context())) return close();
  core_.loop.watch(wire_.fd(), [this](uint32_t) { on_ready(); });
}

void ServerConnection::close() {
  if (closed_) return;
  closed_ = true;
  if (wire_.fd() >= 0) core_.loop.unwatch(wire_.fd());
  if (protocol_) protocol_->on_closed();
  output_.clear();
  wire_.close();
  core_.forget(this);
}

void ServerConnection::on_ready() {
  if (closed_ || !shake_hands()) return;
  read_input();
  if (!closed_ && protocol_) protocol_->on_flush();
}

bool ServerConnection::shake_hands() {
  if (stage_ != Stage::kHandshake) return true;
  ssize_t step = wire_.handshake();
  if (step == Wire::kAgain) return false;
  if (step == Wire::kBroken) {
    close();
    return false;
  }
  certificate_ = wire_.peer_certificate();
  stage_ = Stage::kSniff;
  if (wire_.alpn() == "h2") choose(true);
  if (wire_.alpn() == "http/1.1") choose(false);
  return !closed_;
}

void ServerConnection::choose(bool http2) {
  stage_ = Stage::kOpen;
  protocol_ = http2 ? make_http2_server(*this) : make_http1_server(*this);
  if (core_.stopping) protocol_->begin_stop();
}

void ServerConnection::read_input() {
  read_posted_ = false;
  size_t total = 0;
  while (total < kBytesPerTurn) {
    if (closed_ || input_ended_ || (protocol_ && !protocol_->wants_input())) return;
    ssize_t n = wire_.read(core_.scratch.get(), kReadBytes);
    if (n == Wire::kAgain) return;
    if (n == Wire::kBroken) return close();
    if (n == Wire::kEnd) {
      input_ended_ = true;
      if (!protocol_) return close();
      return protocol_->on_input_end();
    }
    total += static_cast<size_t>(n);
    take_input({core_.scratch.get(), static_cast<size_t>(n)});
  }
  read_soon();
}

void ServerConnection::take_input(std::string_view bytes) {
  if (stage_ == Stage::kSniff) return sniff(bytes);
  protocol_->on_input(bytes);
}

void ServerConnection::sniff(std::string_view bytes) {
  sniffed_ += bytes;
  size_t n = std::min(sniffed_.size(), kPreface.size());
  bool http2 = std::string_view(sniffed_).substr(0, n) == kPreface.substr(0, n);
  if (http2 && n < kPreface.size()) return;
  choose(http2);
  std::string first = std::exchange(sniffed_, {});
  if (!closed_) protocol_->on_input(first);
}

bool ServerConnection::write_output() {
  if (closed_) return false;
  size_t before = output_.pending();
  ssize_t n = output_.write_to(wire_);
  if (n == Wire::kBroken) {
    close();
    return false;
  }
  if (n == Wire::kEnd) {
    blocked_since_ = MonoTime(0);
    return true;
  }
  if (blocked_since_ == MonoTime(0) || output_.pending() < before) blocked_since_ = core_.now;
  return false;
}

void ServerConnection::flush_soon() {
  if (flush_posted_ || closed_) return;
  flush_posted_ = true;
  core_.loop.post([self = shared_from_this()] {
    self->flush_posted_ = false;
    if (!self->closed_ && self->protocol_) self->protocol_->on_flush();
  });
}

void ServerConnection::read_soon() {
  if (read_posted_ || closed_ || input_ended_) return;
  read_posted_ = true;
  core_.loop.post([self = shared_from_this()] {
    if (self->read_posted_) self->on_ready();
  });
}

std::unique_ptr<WireStream> ServerConnection::hand_over(std::string early) {
  core_.loop.unwatch(wire_.fd());
  auto stream = std::make_unique<WireStream>(core_.loop, std::move(wire_), std::move(early),
                                             std::move(output_));
  core_.add_upgraded(stream->state());
  closed_ = true;
  protocol_->on_closed();
  core_.forget(this);
  return stream;
}

void ServerConnection::begin_stop() {
  if (!protocol_) return close();
  protocol_->begin_stop();
}

void ServerConnection::cancel_all() {
  if (protocol_) protocol_->cancel_all();
}

void ServerConnection::on_tick(MonoTime now) {
  if (!protocol_ && now - opened_ > core_.limits.header_timeout) return close();
  bool blocked = blocked_since_ != MonoTime(0) && now - blocked_since_ > core_.limits.idle_timeout;
  if (blocked || (protocol_ && !protocol_->on_tick(now))) close();
}

}  // namespace tiphys::net
