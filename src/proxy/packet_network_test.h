// A small network for packet tests: a node with a bridge, pods on it, and a neighbour on its LAN,
// each a network namespace of its own. Needs root; removed with the object.
//
//   client 192.168.77.2 --- 192.168.77.1 node 10.42.0.1 (bridge) --- pods 10.42.0.11, .12 ...
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "os/process.h"

namespace tiphys::proxy {

// Runs fn on a thread of its own inside the named network namespace.
template <class Fn>
void in_namespace(const std::string& name, Fn fn) {
  std::thread([&] {
    os::Fd ns(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (::setns(ns.get(), CLONE_NEWNET) != 0) std::abort();
    fn();
  }).join();
}

inline sockaddr_in socket_address(const std::string& ip, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

// Answers every TCP connection or UDP datagram with "<name> <address of the peer it sees>".
class EchoServer {
 public:
  EchoServer(const std::string& ns, std::string name, uint16_t port, bool udp)
      : name_(std::move(name)), udp_(udp) {
    in_namespace(ns, [&] {
      fd_ = os::Fd(::socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0));
      int one = 1;
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      sockaddr_in address = socket_address("0.0.0.0", port);
      if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        std::abort();
      if (!udp) ::listen(fd_.get(), 16);
    });
    thread_ = std::thread([this] { serve(); });
  }
  ~EchoServer() {
    stop_ = true;
    thread_.join();
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      auto* address = reinterpret_cast<sockaddr*>(&peer);
      char text[64];
      if (udp_) {
        if (::recvfrom(fd_.get(), text, sizeof text, 0, address, &size) < 0) continue;
        std::string answer = answer_to(peer);
        ::sendto(fd_.get(), answer.data(), answer.size(), 0, address, size);
      } else {
        os::Fd connection(::accept(fd_.get(), address, &size));
        std::string answer = answer_to(peer);
        if (connection.valid()) (void)!::write(connection.get(), answer.data(), answer.size());
      }
    }
  }
  std::string answer_to(const sockaddr_in& peer) const {
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text);
    return name_ + " " + text;
  }

  std::string name_;
  bool udp_;
  os::Fd fd_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class PacketNetwork {
 public:
  static bool possible() { return ::geteuid() == 0; }

  explicit PacketNetwork(int pods) {
    static int counter = 0;
    prefix_ = "tpx" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-";
    batch("netns add " + node() + "\nnetns add " + client() + "\n");
    batch(
        "link set lo up\nlink add br0 type bridge\naddr add 10.42.0.1/24 dev br0\nlink set br0 up\n"
        "link add lan type veth peer name eth0 netns " +
            client() +
            "\naddr add 192.168.77.1/24 dev lan\nlink set lan up\n"
            "route add default via 192.168.77.254\n",
        node());
    batch(
        "link set lo up\naddr add 192.168.77.2/24 dev eth0\nlink set eth0 up\n"
        "route add default via 192.168.77.1\n",
        client());
    for (int i = 1; i <= pods; ++i) add_pod(i);
  }
  ~PacketNetwork() {
    for (int i = 1; i <= pods_; ++i) batch("netns del " + pod(i) + "\n");
    batch("netns del " + client() + "\nnetns del " + node() + "\n");
  }
  std::string node() const { return prefix_ + "node"; }
  std::string client() const { return prefix_ + "lan"; }
  std::string pod(int i) const { return prefix_ + "pod" + std::to_string(i); }
  static std::string pod_ip(int i) { return "10.42.0." + std::to_string(10 + i); }

  // What the server answers, or "error: <reason>".
  static std::string fetch(const std::string& ns, const std::string& ip, uint16_t port,
                           bool udp = false, uint16_t source_port = 0) {
    std::string answer;
    in_namespace(ns, [&] { answer = exchange(ip, port, udp, source_port); });
    return answer;
  }

 private:
  void add_pod(int i) {
    std::string link = "veth" + std::to_string(i);
    batch("netns add " + pod(i) + "\n");
    batch("link add " + link + " type veth peer name eth0 netns " + pod(i) + "\nlink set " + link +
              " master br0 up\nlink set " + link + " type bridge_slave hairpin on\n",
          node());
    batch("link set lo up\naddr add " + pod_ip(i) +
              "/24 dev eth0\nlink set eth0 up\n"
              "route add default via 10.42.0.1\n",
          pod(i));
    pods_ = i;
  }
  static void batch(const std::string& commands, const std::string& ns = "") {
    std::vector<std::string> arguments = {"ip"};
    if (!ns.empty()) arguments.insert(arguments.end(), {"-n", ns});
    arguments.insert(arguments.end(), {"-batch", "-"});
    auto result = os::run_command(arguments, commands);
    if (!result || result->status != 0) {
      std::fprintf(stderr, "ip: %s\n", result ? result->err.c_str() : "can't be run");
    }
  }
  static std::string exchange(const std::string& ip, uint16_t port, bool udp, uint16_t source) {
    os::Fd fd(::socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0));
    timeval limit{.tv_sec = 2, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (source != 0) {
      sockaddr_in own = socket_address("0.0.0.0", source);
      if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) return error();
    }
    sockaddr_in to = socket_address(ip, port);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return error();
    if (udp && ::send(fd.get(), "?", 1, 0) < 0) return error();
    char text[64];
    ssize_t n = ::recv(fd.get(), text, sizeof text, 0);
    return n < 0 ? error() : std::string(text, static_cast<size_t>(n));
  }
  static std::string error() {
    switch (errno) {
      case ECONNREFUSED:
        return "error: refused";
      case EAGAIN:
      case EINPROGRESS:
      case ETIMEDOUT:
        return "error: timeout";
      default:
        return std::string("error: ") + std::strerror(errno);
    }
  }

  std::string prefix_;
  int pods_ = 0;
};

}  // namespace tiphys::proxy
