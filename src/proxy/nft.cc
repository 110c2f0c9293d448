#include "proxy/nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/log.h"
#include "base/strings.h"
#include "os/files.h"
#include "os/netlink.h"
#include "os/process.h"

namespace tiphys::proxy {
namespace {

constexpr int kNftTimeoutSeconds = 60;

ApiStatus failed(const char* program, const os::CommandResult& result) {
  std::string_view first = split(result.err, '\n')[0];
  return ApiStatus::internal(std::string(program) + " ended with " + std::to_string(result.status) +
                             ": " + std::string(first));
}

bool write_setting(const std::string& path, std::string_view value) {
  Result<std::string> now = os::read_file(path, 64);
  if (!now) return false;
  if (trim(*now) == value) return true;
  Result<void> written = os::write_file(path, value);
  if (!written) LOG_WARNING("Can't change a kernel setting", {"err", written.error()});
  return written.has_value();
}

os::NetlinkMessage question(int kind, uint8_t family) {
  nfgenmsg body{};
  body.nfgen_family = family;
  return {static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | kind),
          NLM_F_ACK,
          {reinterpret_cast<char*>(&body), sizeof body}};
}

// A number of the answer; nothing: it isn't there.
Result<std::optional<uint64_t>> ask_number(const os::NetlinkMessage& message, uint16_t attribute) {
  TIPHYS_TRY(os::NetlinkSocket, socket, os::NetlinkSocket::open(NETLINK_NETFILTER));
  std::optional<uint64_t> number;
  Result<void> done = socket.request(message, [&](const os::NetlinkReply& reply) {
    std::optional<std::string_view> bytes = reply.find(sizeof(nfgenmsg), attribute);
    if (bytes) number = os::big_endian(*bytes);
  });
  if (!done) return done.error();
  return number;
}

}  // namespace

Result<void> nft_apply(const std::string& text) {
  TIPHYS_TRY(os::CommandResult, result,
             os::run_command({"nft", "-f", "-"}, text, kNftTimeoutSeconds));
  if (result.status != 0) return failed("nft", result);
  return {};
}

Result<void> nft_remove_table(const std::string& table, Family family) {
  std::string ref = (family == Family::kIpv4 ? "ip " : "ip6 ") + table;
  return nft_apply("add table " + ref + "\ndelete table " + ref + "\n");
}

uint8_t nft_family(Family family) { return family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

Result<std::optional<uint32_t>> nft_table_flags(const std::string& table, Family family) {
  os::NetlinkMessage message = question(NFT_MSG_GETTABLE, nft_family(family));
  message.add_text(NFTA_TABLE_NAME, table);
  Result<std::optional<uint64_t>> flags = ask_number(message, NFTA_TABLE_FLAGS);
  if (flags) return std::optional(static_cast<uint32_t>(flags->value_or(0)));
  if (flags.error().message() != "netlink: No such file or directory") return flags.error();
  return std::optional<uint32_t>();
}

Result<uint32_t> nft_generation() {
  TIPHYS_TRY(std::optional<uint64_t>, generation,
             ask_number(question(NFT_MSG_GETGEN, NFPROTO_UNSPEC), NFTA_GEN_ID));
  return static_cast<uint32_t>(generation.value_or(0));
}

bool prepare_kernel(bool ipv6) {
  if (!write_setting("/proc/sys/net/ipv4/ip_forward", "1")) {
    LOG_WARNING("net.ipv4.ip_forward is not on: packets between pods and nodes won't pass");
  }
  if (ipv6) write_setting("/proc/sys/net/ipv6/conf/all/forwarding", "1");
  bool bridged = write_setting("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
  if (ipv6) write_setting("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "1");
  return bridged;
}

}  // namespace tiphys::proxy
