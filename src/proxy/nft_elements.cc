#include "proxy/nft_elements.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <charconv>
#include <map>

#include "base/strings.h"

namespace tiphys::proxy {
namespace {

constexpr size_t kMaxMessageBytes = 32 * 1024;  // an attribute's length has 16 bits
constexpr std::string_view kGoto = "goto ";

std::optional<std::string> encode_piece(std::string_view text) {
  if (text == "tcp") return std::string(1, IPPROTO_TCP);
  if (text == "udp") return std::string(1, IPPROTO_UDP);
  if (text == "sctp") return std::string(1, static_cast<char>(IPPROTO_SCTP));
  if (std::optional<Address> address = Address::parse(text)) {
    size_t size = address->family() == Family::kIpv4 ? 4 : 16;
    return std::string(reinterpret_cast<const char*>(address->bytes().data()), size);
  }
  uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::string{static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
}

void add_verdict(os::NetlinkMessage& message, uint32_t code, std::string_view chain) {
  size_t verdict = message.begin(NFTA_DATA_VERDICT);
  message.add_be32(NFTA_VERDICT_CODE, code);
  if (!chain.empty()) message.add_text(NFTA_VERDICT_CHAIN, chain);
  message.end(verdict);
}

bool add_value(os::NetlinkMessage& message, std::string_view value) {
  size_t data = message.begin(NFTA_SET_ELEM_DATA);
  if (value.starts_with(kGoto)) {
    add_verdict(message, static_cast<uint32_t>(NFT_GOTO), value.substr(kGoto.size()));
  } else if (value == "drop") {
    add_verdict(message, NF_DROP, "");
  } else {
    std::optional<std::string> bytes = encode_data(value);
    if (!bytes) return false;
    message.add(NFTA_DATA_VALUE, *bytes);
  }
  message.end(data);
  return true;
}

bool add_element(os::NetlinkMessage& message, const ElementChange& change) {
  std::optional<std::string> bytes = encode_data(change.key);
  if (!bytes) return false;
  size_t element = message.begin(NFTA_LIST_ELEM);
  size_t key = message.begin(NFTA_SET_ELEM_KEY);
  message.add(NFTA_DATA_VALUE, *bytes);
  message.end(key);
  if (!change.value.empty() && !add_value(message, change.value)) return false;
  message.end(element);
  return true;
}

os::NetlinkMessage new_message(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource) {
  nfgenmsg body{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
  return {type, flags, {reinterpret_cast<const char*>(&body), sizeof body}};
}

// Collects messages; false from add() means that something can't be said.
class Encoder {
 public:
  Encoder(const std::string& table, Family family)
      : table_(table), family_(family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6) {
    messages_.push_back(new_message(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
  }
  bool add(const std::vector<ElementChange>& changes, bool insert) {
    std::map<std::string_view, std::vector<const ElementChange*>> by_map;
    for (const ElementChange& change : changes) by_map[change.map].push_back(&change);
    for (const auto& [map, list] : by_map) {
      if (!add_map(map, list, insert)) return false;
    }
    return true;
  }
  std::vector<os::NetlinkMessage> take() {
    messages_.push_back(new_message(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    return std::move(messages_);
  }

 private:
  bool add_map(std::string_view map, const std::vector<const ElementChange*>& list, bool insert) {
    for (size_t i = 0; i < list.size();) {
      int kind = insert ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
      os::NetlinkMessage message =
          new_message(static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | kind),
                      NLM_F_ACK | (insert ? NLM_F_CREATE : 0), family_, 0);
      message.add_text(NFTA_SET_ELEM_LIST_TABLE, table_);
      message.add_text(NFTA_SET_ELEM_LIST_SET, map);
      size_t elements = message.begin(NFTA_SET_ELEM_LIST_ELEMENTS);
      for (; i < list.size() && message.size() < kMaxMessageBytes; ++i) {
        if (!add_element(message, *list[i])) return false;
      }
      message.end(elements);
      messages_.push_back(std::move(message));
    }
    return true;
  }

  const std::string& table_;
  uint8_t family_;
  std::vector<os::NetlinkMessage> messages_;
};

}  // namespace

// "a . b . c": each part of a concatenation fills 32-bit registers.
std::optional<std::string> encode_data(std::string_view text) {
  constexpr std::string_view kDot = " . ";
  std::string out;
  while (true) {
    size_t dot = text.find(kDot);
    std::optional<std::string> piece = encode_piece(text.substr(0, dot));
    if (!piece) return std::nullopt;
    out += *piece;
    if (dot == std::string_view::npos && out.size() == piece->size()) return out;
    out.resize((out.size() + 3) & ~size_t{3});
    if (dot == std::string_view::npos) return out;
    text.remove_prefix(dot + kDot.size());
  }
}

std::optional<ElementBatch> element_batch(const std::string& table, Family family,
                                          const Changes& changes) {
  if (!changes.elements_only() || changes.empty()) return std::nullopt;
  Encoder encoder(table, family);
  if (!encoder.add(changes.removed, false) || !encoder.add(changes.added, true)) {
    return std::nullopt;
  }
  ElementBatch batch{.messages = encoder.take()};
  for (const os::NetlinkMessage& message : batch.messages) batch.bytes += message.size();
  if (batch.bytes > kMaxBatchBytes) return std::nullopt;
  return batch;
}

Result<void> apply_elements(const ElementBatch& batch) {
  TIPHYS_TRY(os::NetlinkSocket, socket, os::NetlinkSocket::open(NETLINK_NETFILTER));
  return socket.batch(batch.messages);
}

}  // namespace tiphys::proxy
