#include "dns/message_stream.h"

#include "dns/query.h"
#include "net/socket.h"

namespace tiphys::dns {

namespace {

constexpr size_t kLengthBytes = 2;
constexpr size_t kReadBytes = 4096;

net::Wire tuned(os::Fd fd) {
  net::tune_tcp(fd.get());
  return net::Wire(std::move(fd));
}

}  // namespace

MessageStream::MessageStream(EpollLoop& loop, os::Fd fd)
    : pool_(std::make_shared<net::BufferPool>()),
      stream_(loop, tuned(std::move(fd)), "", net::Output(*pool_), pool_) {}

Task<std::optional<std::string>> MessageStream::read(StopToken stop) {
  while (true) {
    if (early_.size() >= kLengthBytes) {
      Bytes bytes(reinterpret_cast<const uint8_t*>(early_.data()), early_.size());
      size_t size = kLengthBytes + read16(bytes, 0);
      if (early_.size() >= size) {
        std::string message = early_.substr(kLengthBytes, size - kLengthBytes);
        early_.erase(0, size);
        co_return message;
      }
    }
    Result<std::string> more = co_await stream_.read(kReadBytes, stop);
    if (!more || more->empty()) co_return std::nullopt;
    early_ += *more;
  }
}

Task<Result<void>> MessageStream::write(std::string message, StopToken stop) {
  uint8_t length[kLengthBytes];
  write16(length, static_cast<uint16_t>(message.size()));
  std::string out(reinterpret_cast<const char*>(length), kLengthBytes);
  out += message;
  Result<void> written = co_await stream_.write(std::move(out), stop);
  co_return written;
}

}  // namespace tiphys::dns
