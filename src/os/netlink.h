// Netlink: questions and orders to the kernel's networking (rtnetlink, nfnetlink), small encoder
// included. A socket belongs to one thread; calls block for as long as the kernel works.
// Source: RFC 3549, linux/netlink.h.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

// Builds one message: header, a fixed body, then attributes. Attribute nesting by begin/end.
class NetlinkMessage {
 public:
  NetlinkMessage(uint16_t type, uint16_t flags, std::string_view body);
  void add(uint16_t attribute, std::string_view bytes);
  void add_text(uint16_t attribute, std::string_view text);  // NUL-terminated
  void add_u32(uint16_t attribute, uint32_t value);          // host order
  void add_be32(uint16_t attribute, uint32_t value);         // network order
  size_t begin(uint16_t attribute);                          // opens a nest
  void end(size_t nest);
  // The finished message with this sequence number.
  std::string bytes(uint32_t sequence) const;
  size_t size() const { return text_.size(); }
  bool asks_for_ack() const;

 private:
  std::string text_;
};

// One received message, as a view into the receive buffer.
struct NetlinkReply {
  uint16_t type = 0;
  std::string_view body;  // after the header
  // The attribute's bytes, searched from `offset` of the body on; nullopt: not there.
  std::optional<std::string_view> find(size_t offset, uint16_t attribute) const;
};
// Calls back for each attribute of a list; stops at malformed bytes.
void for_each_attribute(std::string_view list,
                        const std::function<void(uint16_t, std::string_view)>& callback);

// A number in network order, of up to eight bytes; 0 if there are none.
uint64_t big_endian(std::string_view bytes);

class NetlinkSocket {
 public:
  // protocol: NETLINK_ROUTE, NETLINK_NETFILTER... of the network namespace of the calling thread.
  static Result<NetlinkSocket> open(int protocol);
  // Sends and hands every reply to the callback until the kernel's ACK, error or end of dump.
  // The message's flags must hold NLM_F_ACK or NLM_F_DUMP. Errors: os_error("netlink", errno).
  Result<void> request(const NetlinkMessage& message,
                       const std::function<void(const NetlinkReply&)>& on_reply = {});
  // Sends the messages as one datagram (nfnetlink's transactions) and waits until the kernel has
  // acknowledged the last one that asks for it, by NLM_F_ACK; one must. The first error is the
  // answer: os_error("netlink", errno), EMSGSIZE for more than the socket takes (about 200 KB).
  // After an error the socket is good for nothing any more.
  Result<void> batch(std::span<const NetlinkMessage> messages);

 private:
  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace tiphys::os
