#include "dns/server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "async/deadline.h"
#include "base/log.h"
#include "dns/message_stream.h"
#include "net/socket.h"

namespace tiphys::dns {

namespace {

constexpr int kBatch = 32;
constexpr int kBatchesPerTurn = 8;
constexpr int kAcceptsPerTurn = 64;
constexpr int kBacklog = 128;
constexpr size_t kQueryBytes = 2048;  // longer UDP queries are cut, and malformed thereby
constexpr int kReceiveBuffer = 1 << 20;
constexpr Duration kAcceptPause = std::chrono::milliseconds(500);

IpAddress client_of(const sockaddr_storage& from) {
  IpAddress out;
  if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(out.bytes.data(), &v6.sin6_addr, 16);
    out.v6 = true;
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return out;
    out = {};
    std::memcpy(out.bytes.data(), &v6.sin6_addr.s6_addr[12], 4);
    return out;
  }
  std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in&>(from).sin_addr, 4);
  return out;
}

}  // namespace

struct Server::Socket {
  os::Fd fd;
  bool closed = false;
};

// Room for a batch of messages; one for the whole server.
struct Server::Batch {
  std::array<mmsghdr, kBatch> in{};
  std::array<mmsghdr, kBatch> out{};
  std::array<iovec, kBatch> in_parts{};
  std::array<iovec, kBatch> out_parts{};
  std::array<sockaddr_storage, kBatch> from{};
  std::array<std::array<uint8_t, kQueryBytes>, kBatch> queries;
  std::array<std::array<uint8_t, kEdnsUdpBytes>, kBatch> answers;

  Batch() {
    for (size_t i = 0; i < kBatch; ++i) {
      in_parts[i] = {queries[i].data(), queries[i].size()};
      in[i].msg_hdr.msg_iov = &in_parts[i];
      in[i].msg_hdr.msg_iovlen = 1;
      in[i].msg_hdr.msg_name = &from[i];
      out[i].msg_hdr.msg_iov = &out_parts[i];
      out[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

Server::Server(EpollLoop& loop, Front& front, Duration idle_time)
    : loop_(loop),
      front_(front),
      idle_time_(idle_time),
      gate_(loop),
      batch_(std::make_unique<Batch>()),
      tcp_room_(std::make_unique<std::vector<uint8_t>>(kMaxMessageBytes)) {}

Server::~Server() = default;

Result<void> Server::open(const std::string& address, uint16_t port, int type) {
  TIPHYS_TRY(net::SocketAddress, at, net::numeric_address(address, port));
  std::string what = (type == SOCK_DGRAM ? "listen udp " : "listen tcp ") + at.text();
  auto failed = [&what](const char* call) {
    return ApiStatus::internal(what + ": " + call + ": " + net::go_error_text(errno));
  };
  int on = 1;
  os::Fd fd(::socket(at.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return failed("socket");
  bool v6 = at.storage.ss_family == AF_INET6;
  if (v6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  net::expect_address(fd.get(), at.storage.ss_family);
  if (type == SOCK_STREAM) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (type == SOCK_DGRAM) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  if (::bind(fd.get(), at.get(), at.size) != 0) return failed("bind");
  if (type == SOCK_STREAM && ::listen(fd.get(), kBacklog) != 0) return failed("listen");
  auto socket = std::make_shared<Socket>(std::move(fd));
  sockets_.push_back(socket);
  if (type == SOCK_DGRAM) {
    loop_.watch(socket->fd.get(), [this, socket](uint32_t) { receive(socket); });
  } else {
    loop_.watch(socket->fd.get(), [this, socket](uint32_t) { accept_some(socket); });
  }
  return {};
}

Result<void> Server::listen(const std::string& address, uint16_t port) {
  Result<void> opened = open(address, port, SOCK_DGRAM);
  if (!opened) return opened;
  port_ = net::bound_port(sockets_.back()->fd.get());
  opened = open(address, port_, SOCK_STREAM);
  if (opened) return opened;
  loop_.unwatch(sockets_.back()->fd.get());
  sockets_.back()->closed = true;
  sockets_.pop_back();
  return opened;
}

Task<void> Server::stop() {
  stop_.request_stop();
  for (const std::shared_ptr<Socket>& socket : sockets_) {
    loop_.unwatch(socket->fd.get());
    socket->closed = true;
  }
  co_await gate_.close();
  sockets_.clear();
}

// Edge-triggered: what is left when others get their turn is come back to.
void Server::receive(std::shared_ptr<Socket> socket) {
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    if (socket->closed || !receive_batch(socket)) return;
  }
  loop_.post([this, socket] {
    if (!socket->closed) receive(socket);
  });
}

bool Server::receive_batch(const std::shared_ptr<Socket>& socket) {
  for (mmsghdr& one : batch_->in) one.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  int count = ::recvmmsg(socket->fd.get(), batch_->in.data(), kBatch, MSG_DONTWAIT, nullptr);
  // An error of a former answer (nobody listens there any more) is no reason to stop.
  if (count < 0) return errno != EAGAIN && errno != EWOULDBLOCK && errno != EBADF;
  answer_batch(socket, count);
  return count == kBatch;
}

void Server::answer_batch(const std::shared_ptr<Socket>& socket, int count) {
  int answers = 0;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    Bytes message(batch_->queries[i].data(), batch_->in[i].msg_len);
    auto at = static_cast<size_t>(answers);
    Front::Reply reply =
        front_.answer(message, Transport::kUdp, client_of(batch_->from[i]), batch_->answers[at]);
    if (reply.way == Front::Way::kLater && later_ < kMaxLater) {
      gate_.spawn(
          answer_later(socket, i, {reinterpret_cast<const char*>(message.data()), message.size()}));
    }
    if (reply.way != Front::Way::kReply) continue;
    batch_->out_parts[at] = {batch_->answers[at].data(), reply.size};
    batch_->out[at].msg_hdr.msg_name = &batch_->from[i];
    batch_->out[at].msg_hdr.msg_namelen = batch_->in[i].msg_hdr.msg_namelen;
    ++answers;
  }
  // A full buffer or an unreachable client loses its answer, as on any network; others get theirs.
  for (int sent = 0; sent < answers;) {
    int done = ::sendmmsg(socket->fd.get(), &batch_->out[static_cast<size_t>(sent)],
                          static_cast<unsigned>(answers - sent), MSG_DONTWAIT);
    sent += done > 0 ? done : 1;
  }
}

Task<void> Server::answer_later(std::shared_ptr<Socket> socket, size_t at, std::string message) {
  sockaddr_storage client = batch_->from[at];
  socklen_t client_size = batch_->in[at].msg_hdr.msg_namelen;
  ++later_;
  std::string answer = co_await front_.answer_later(std::move(message), Transport::kUdp);
  --later_;
  if (answer.empty() || socket->closed) co_return;
  (void)::sendto(socket->fd.get(), answer.data(), answer.size(), MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&client), client_size);
}

void Server::accept_some(std::shared_ptr<Socket> socket) {
  if (socket->closed) return;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    os::Fd fd(::accept4(socket->fd.get(), reinterpret_cast<sockaddr*>(&from), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      gate_.spawn(serve(std::move(fd), client_of(from)));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EAGAIN) return;
    LOG_WARNING("DNS connections can't be accepted, will retry",
                {"err", net::go_error_text(errno)});
    loop_.call_after(kAcceptPause, [this, socket] {
      if (!socket->closed) accept_some(socket);
    });
    return;
  }
  loop_.post([this, socket] {
    if (!socket->closed) accept_some(socket);
  });
}

Task<void> Server::serve(os::Fd fd, IpAddress client) {
  std::string who = canonical_text(client);
  bool room = connections_ < kMaxConnections && by_client_[who] < kMaxClientConnections;
  if (!room || front_.is_stranger(client)) co_return;
  ++connections_;
  ++by_client_[who];
  MessageStream stream(loop_, std::move(fd));
  while (true) {
    co_await yield(loop_);
    Deadline idle(loop_, idle_time_, stop_.token());
    std::optional<std::string> message = co_await stream.read(idle.token());
    if (!message) break;
    Bytes bytes(reinterpret_cast<const uint8_t*>(message->data()), message->size());
    Front::Reply reply = front_.answer(bytes, Transport::kTcp, client, *tcp_room_);
    if (reply.way == Front::Way::kSilence) break;
    std::string answer(reinterpret_cast<const char*>(tcp_room_->data()), reply.size);
    if (reply.way == Front::Way::kLater) {
      answer = co_await front_.answer_later(std::move(*message), Transport::kTcp);
    }
    if (answer.empty()) break;
    Deadline busy(loop_, idle_time_, stop_.token());
    Result<void> written = co_await stream.write(std::move(answer), busy.token());
    if (!written) break;
  }
  --connections_;
  if (--by_client_[who] == 0) by_client_.erase(who);
}

}  // namespace tiphys::dns
