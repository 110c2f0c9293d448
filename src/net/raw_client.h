// RawClient: a blocking socket on a thread of its own, to say what no decent client would.
#pragma once
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <functional>
#include <string>
#include <thread>

#include "async/epoll_loop.h"
#include "net/socket.h"

namespace tiphys::net {

class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto address = *numeric_address("127.0.0.1", port);
    timeval limit{30, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_.get(), address.get(), address.size), 0);
  }
  // False once the server closed, or takes nothing more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void shut_write() { ::shutdown(fd_.get(), SHUT_WR); }
  // "" at the end, on reset, or when nothing came for 30 s.
  std::string receive() {
    char buffer[16384];
    ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    timed_out_ = n < 0 && errno == EAGAIN;
    return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  // Everything until the server closes.
  std::string rest() {
    std::string all;
    for (std::string part = receive(); !part.empty(); part = receive()) all += part;
    EXPECT_FALSE(timed_out_) << "the server did not close";
    return all;
  }
  std::string until(std::string_view mark) {
    std::string all;
    while (all.find(mark) == std::string::npos) {
      std::string part = receive();
      if (part.empty()) break;
      all += part;
    }
    return all;
  }

 private:
  os::Fd fd_;
  bool timed_out_ = false;
};

// Runs `talk` on a thread while the loop serves, until it is done.
inline void with_loop(EpollLoop& loop, std::function<void()> talk) {
  std::thread thread([&] {
    talk();
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  thread.join();
}

}  // namespace tiphys::net
