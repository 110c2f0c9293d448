#include "os/netlink.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace tiphys::os {
namespace {

constexpr size_t kReceiveBytes = 64 * 1024;
constexpr int kReceiveTimeoutSeconds = 10;

size_t aligned(size_t n) { return (n + 3) & ~size_t{3}; }

template <class T>
T read_as(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

NetlinkMessage::NetlinkMessage(uint16_t type, uint16_t flags, std::string_view body) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  text_.append(bytes_of(header)).append(body);
  text_.resize(aligned(text_.size()));
}

void NetlinkMessage::add(uint16_t attribute, std::string_view bytes) {
  nlattr header{static_cast<uint16_t>(sizeof(nlattr) + bytes.size()), attribute};
  text_.append(bytes_of(header)).append(bytes);
  text_.resize(aligned(text_.size()));
}

void NetlinkMessage::add_text(uint16_t attribute, std::string_view text) {
  add(attribute, std::string(text) + '\0');
}
void NetlinkMessage::add_u32(uint16_t attribute, uint32_t value) {
  add(attribute, bytes_of(value));
}
void NetlinkMessage::add_be32(uint16_t attribute, uint32_t value) {
  add_u32(attribute, htonl(value));
}

size_t NetlinkMessage::begin(uint16_t attribute) {
  size_t at = text_.size();
  add(static_cast<uint16_t>(attribute | NLA_F_NESTED), "");
  return at;
}
void NetlinkMessage::end(size_t nest) {
  uint16_t length = static_cast<uint16_t>(text_.size() - nest);
  std::memcpy(text_.data() + nest, &length, sizeof length);
}

std::string NetlinkMessage::bytes(uint32_t sequence) const {
  std::string out = text_;
  nlmsghdr header = read_as<nlmsghdr>(out);
  header.nlmsg_len = static_cast<uint32_t>(out.size());
  header.nlmsg_seq = sequence;
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

bool NetlinkMessage::asks_for_ack() const {
  return (read_as<nlmsghdr>(text_).nlmsg_flags & NLM_F_ACK) != 0;
}

void for_each_attribute(std::string_view list,
                        const std::function<void(uint16_t, std::string_view)>& callback) {
  while (list.size() >= sizeof(nlattr)) {
    nlattr header = read_as<nlattr>(list);
    if (header.nla_len < sizeof(nlattr) || header.nla_len > list.size()) return;
    callback(header.nla_type & NLA_TYPE_MASK,
             list.substr(sizeof(nlattr), header.nla_len - sizeof(nlattr)));
    list.remove_prefix(std::min(list.size(), aligned(header.nla_len)));
  }
}

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (char byte : bytes.substr(0, sizeof value)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

std::optional<std::string_view> NetlinkReply::find(size_t offset, uint16_t attribute) const {
  std::optional<std::string_view> found;
  if (offset > body.size()) return found;
  for_each_attribute(body.substr(offset), [&](uint16_t type, std::string_view bytes) {
    if (type == attribute && !found) found = bytes;
  });
  return found;
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return ApiStatus::os_error("netlink socket", errno);
  timeval limit{.tv_sec = kReceiveTimeoutSeconds, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return ApiStatus::os_error("netlink bind", errno);
  }
  return NetlinkSocket(std::move(fd));
}

namespace {

// One datagram's messages. Returns the final errno (0: success) once the answer is complete.
std::optional<int> take_messages(std::string_view bytes, uint32_t sequence,
                                 const std::function<void(const NetlinkReply&)>& on_reply) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header = read_as<nlmsghdr>(bytes);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > bytes.size()) return EPROTO;
    std::string_view body = bytes.substr(sizeof header, header.nlmsg_len - sizeof header);
    bytes.remove_prefix(std::min(bytes.size(), aligned(header.nlmsg_len)));
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_type == NLMSG_ERROR) return -read_as<int>(body);
    if (header.nlmsg_type == NLMSG_DONE) return 0;
    if (on_reply) on_reply({header.nlmsg_type, body});
  }
  return std::nullopt;
}

}  // namespace

Result<void> NetlinkSocket::request(const NetlinkMessage& message,
                                    const std::function<void(const NetlinkReply&)>& on_reply) {
  std::string bytes = message.bytes(++sequence_);
  if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) {
    return ApiStatus::os_error("netlink send", errno);
  }
  std::vector<char> buffer(kReceiveBytes);
  while (true) {
    ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ApiStatus::os_error("netlink receive", errno);
    std::optional<int> error =
        take_messages({buffer.data(), static_cast<size_t>(n)}, sequence_, on_reply);
    if (!error) continue;
    if (*error != 0) return ApiStatus::os_error("netlink", *error);
    return {};
  }
}

namespace {

// The answer in one datagram to a batch whose last ACK has this number; nothing: more is to come.
std::optional<int> batch_answer(std::string_view bytes, uint32_t last) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header = read_as<nlmsghdr>(bytes);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > bytes.size()) return EPROTO;
    std::string_view body = bytes.substr(sizeof header, header.nlmsg_len - sizeof header);
    bytes.remove_prefix(std::min(bytes.size(), aligned(header.nlmsg_len)));
    if (header.nlmsg_type != NLMSG_ERROR) continue;
    int error = -read_as<int>(body);
    if (error != 0 || header.nlmsg_seq == last) return error;
  }
  return std::nullopt;
}

}  // namespace

Result<void> NetlinkSocket::batch(std::span<const NetlinkMessage> messages) {
  std::string bytes;
  uint32_t last = 0;
  for (const NetlinkMessage& message : messages) {
    bytes += message.bytes(++sequence_);
    if (message.asks_for_ack()) last = sequence_;
  }
  if (last == 0) return ApiStatus::internal("netlink: a batch without an ACK");
  if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) {
    return ApiStatus::os_error("netlink send", errno);
  }
  std::vector<char> buffer(kReceiveBytes);
  while (true) {
    ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ApiStatus::os_error("netlink receive", errno);
    std::optional<int> error = batch_answer({buffer.data(), static_cast<size_t>(n)}, last);
    if (!error) continue;
    if (*error != 0) return ApiStatus::os_error("netlink", *error);
    return {};
  }
}

}  // namespace tiphys::os
