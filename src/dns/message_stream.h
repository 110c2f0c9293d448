// MessageStream: DNS messages over a connected TCP socket, each behind its length (RFC 1035,
// 4.2.2). Loop thread only; closes when destroyed.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "async/epoll_loop.h"
#include "net/byte_stream.h"
#include "os/files.h"

namespace tiphys::dns {

class MessageStream {
 public:
  MessageStream(EpollLoop& loop, os::Fd fd);
  // Nothing: the peer is done or gone, or stop was requested.
  Task<std::optional<std::string>> read(StopToken stop);
  // Requires: message.size() <= 65535.
  Task<Result<void>> write(std::string message, StopToken stop);

 private:
  std::shared_ptr<net::BufferPool> pool_;
  net::WireStream stream_;
  std::string early_;  // what came behind the last message
};

}  // namespace tiphys::dns
