// A small network for packet tests: a node with a bridge, pods on it, and a neighbour on its LAN,
// each a network namespace of its own. Needs root; removed with the object.
//
//   client 192.168.77.2 --- 192.168.77.1 node 10.42.0.1 (br0) --- pods 10.42.0.11, .12 ...
//          fd77::2          fd77::1           fd42::1                  fd42::11, ::12
//
// and, if wanted, a pod that is routed, not bridged (cali0, 10.42.9.2, fd42:0:0:9::2), and a pod of
// another node behind the client (10.42.7.9, fd42:0:0:7::9).
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

#include "os/files.h"
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

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

inline SocketAddress socket_address(const std::string& ip, uint16_t port) {
  SocketAddress address;
  if (ip.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.bytes);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    inet_pton(AF_INET, ip.c_str(), &v4->sin_addr);
    address.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.bytes);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr);
    address.size = sizeof *v6;
  }
  return address;
}

// Answers every TCP connection or UDP datagram with "<name> <address of the peer it sees>".
class EchoServer {
 public:
  EchoServer(const std::string& ns, std::string name, uint16_t port, bool udp)
      : name_(std::move(name)), udp_(udp) {
    in_namespace(ns, [&] {
      fd_ = os::Fd(::socket(AF_INET6, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0));
      int one = 1;
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      SocketAddress address = socket_address("::", port);
      if (::bind(fd_.get(), address.get(), address.size) != 0) std::abort();
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
      SocketAddress peer;
      char text[64];
      if (udp_) {
        if (::recvfrom(fd_.get(), text, sizeof text, 0, peer.get(), &peer.size) < 0) continue;
        std::string answer = answer_to(peer);
        ::sendto(fd_.get(), answer.data(), answer.size(), 0, peer.get(), peer.size);
      } else {
        os::Fd connection(::accept(fd_.get(), peer.get(), &peer.size));
        std::string answer = answer_to(peer);
        if (connection.valid()) (void)!::write(connection.get(), answer.data(), answer.size());
      }
    }
  }
  std::string answer_to(const SocketAddress& peer) const {
    char text[INET6_ADDRSTRLEN];
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&peer.bytes);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    std::string_view address = text, mapped = "::ffff:";
    if (address.starts_with(mapped)) address.remove_prefix(mapped.size());
    return name_ + " " + std::string(address);
  }

  std::string name_;
  bool udp_;
  os::Fd fd_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class PacketNetwork {
 public:
  static constexpr int kAnswerMs = 2000;  // to wait for an answer that must come
  static constexpr int kSilenceMs = 300;  // and for one that must not
  static bool possible() { return ::geteuid() == 0; }

  explicit PacketNetwork(int pods) {
    static int counter = 0;
    prefix_ = "tpx" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-";
    for (const std::string& name : {node(), client()}) add_namespace(name);
    batch(
        "link set lo up\nlink add br0 type bridge\naddr add 10.42.0.1/24 dev br0\naddr add "
        "fd42::1/64 dev br0 nodad\nlink set br0 up\n"
        "link add lan type veth peer name eth0 netns " +
            client() +
            "\naddr add 192.168.77.1/24 dev lan\naddr add fd77::1/64 dev lan nodad\n"
            "link set lan up\nroute add default via 192.168.77.254\n"
            "route add default via fd77::254\n",
        node());
    batch(
        "link set lo up\naddr add 192.168.77.2/24 dev eth0\naddr add fd77::2/64 dev eth0 nodad\n"
        "link set eth0 up\nroute add default via 192.168.77.1\nroute add default via fd77::1\n",
        client());
    for (int i = 1; i <= pods; ++i) add_pod(i);
  }
  ~PacketNetwork() {
    for (int i = 1; i <= pods_; ++i) batch("netns del " + pod(i) + "\n");
    for (const std::string& name : more_) batch("netns del " + name + "\n");
    batch("netns del " + client() + "\nnetns del " + node() + "\n");
  }
  std::string node() const { return prefix_ + "node"; }
  std::string client() const { return prefix_ + "lan"; }
  std::string pod(int i) const { return prefix_ + "pod" + std::to_string(i); }
  std::string routed() const { return prefix_ + "routed"; }
  std::string far_pod() const { return prefix_ + "far"; }

  void add_routed_pod() {
    add_namespace(routed());
    batch("link add cali0 type veth peer name eth0 netns " + routed() +
              "\naddr add 10.42.9.1/24 dev cali0\naddr add fd42:0:0:9::1/64 dev cali0 nodad\n"
              "link set cali0 up\n",
          node());
    batch(
        "link set lo up\naddr add 10.42.9.2/24 dev eth0\naddr add fd42:0:0:9::2/64 dev eth0 nodad\n"
        "link set eth0 up\nroute add default via 10.42.9.1\nroute add default via fd42:0:0:9::1\n",
        routed());
    more_.push_back(routed());
  }
  void add_far_pod() {
    add_namespace(far_pod());
    in_namespace(client(), [] {
      (void)os::write_file("/proc/sys/net/ipv4/ip_forward", "1");
      (void)os::write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
    });
    batch("link add far type veth peer name eth0 netns " + far_pod() +
              "\naddr add 10.42.7.1/24 dev far\naddr add fd42:0:0:7::1/64 dev far nodad\n"
              "link set far up\n",
          client());
    batch(
        "link set lo up\naddr add 10.42.7.9/24 dev eth0\naddr add fd42:0:0:7::9/64 dev eth0 nodad\n"
        "link set eth0 up\nroute add default via 10.42.7.1\nroute add default via fd42:0:0:7::1\n",
        far_pod());
    batch("route add 10.42.7.0/24 via 192.168.77.2\nroute add fd42:0:0:7::/64 via fd77::2\n",
          node());
    more_.push_back(far_pod());
  }

  static std::string pod_ip(int i) { return "10.42.0." + std::to_string(10 + i); }

  static std::string pod_ip6(int i) { return "fd42::1" + std::to_string(i); }

  // What the server answers, or "error: <reason>".
  static std::string fetch(const std::string& ns, const std::string& ip, uint16_t port,
                           bool udp = false, uint16_t source_port = 0, int limit_ms = kAnswerMs) {
    std::string answer;
    in_namespace(ns, [&] { answer = exchange(ip, port, udp, source_port, limit_ms); });
    return answer;
  }

 private:
  // Without detection of duplicate addresses: nobody asks for a neighbour while it lasts.
  static void add_namespace(const std::string& name) {
    batch("netns add " + name + "\n");
    in_namespace(name, [] {
      for (const char* which : {"all", "default"}) {
        std::string path = std::string("/proc/sys/net/ipv6/conf/") + which + "/accept_dad";
        if (!os::write_file(path, "0")) std::fprintf(stderr, "%s can't be written\n", path.c_str());
      }
    });
  }
  void add_pod(int i) {
    std::string link = "veth" + std::to_string(i);
    add_namespace(pod(i));
    batch("link add " + link + " type veth peer name eth0 netns " + pod(i) + "\nlink set " + link +
              " master br0 up\nlink set " + link + " type bridge_slave hairpin on\n",
          node());
    batch("link set lo up\naddr add " + pod_ip(i) + "/24 dev eth0\naddr add " + pod_ip6(i) +
              "/64 dev eth0 nodad\nlink set eth0 up\n"
              "route add default via 10.42.0.1\nroute add default via fd42::1\n",
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
  static std::string exchange(const std::string& ip, uint16_t port, bool udp, uint16_t source,
                              int limit_ms) {
    SocketAddress to = socket_address(ip, port);
    os::Fd fd(::socket(to.bytes.ss_family, udp ? SOCK_DGRAM : SOCK_STREAM, 0));
    timeval limit{.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (source != 0) {
      SocketAddress own =
          socket_address(ip.find(':') == std::string::npos ? "0.0.0.0" : "::", source);
      if (::bind(fd.get(), own.get(), own.size) != 0) return error();
    }
    if (::connect(fd.get(), to.get(), to.size) != 0) return error();
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
  std::vector<std::string> more_;
};

}  // namespace tiphys::proxy
