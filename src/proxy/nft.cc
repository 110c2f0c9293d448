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

bool write_setting(const std::string& path, std::string_view value) {
  Result<std::string> now = os::read_file(path, 64);
  if (!now) return false;
  if (trim(*now) == value) return true;
  Result<void> written = os::write_file(path, value);
  if (!written) LOG_WARNING("Can't change a kernel setting", {"err", written.error()});
  return written.has_value();
}

}  // namespace

Result<void> nft_remove_table(const std::string& table, Family family) {
  std::string ref = (family == Family::kIpv4 ? "ip " : "ip6 ") + table;
  return os::nft_apply("add table " + ref + "\ndelete table " + ref + "\n");
}

uint8_t nft_family(Family family) { return family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

Result<std::optional<uint32_t>> nft_table_flags(const std::string& table, Family family) {
  TIPHYS_TRY(os::NetlinkSocket, socket, os::NetlinkSocket::open(NETLINK_NETFILTER));
  os::NetlinkMessage message = os::nft_question(NFT_MSG_GETTABLE, nft_family(family), NLM_F_ACK);
  message.add_text(NFTA_TABLE_NAME, table);
  std::optional<uint32_t> flags;
  Result<void> done = socket.request(message, [&](const os::NetlinkReply& reply) {
    std::string_view bytes = os::nft_attribute(reply, NFTA_TABLE_FLAGS);
    if (!bytes.empty()) flags = static_cast<uint32_t>(os::big_endian(bytes));
  });
  if (done) return flags;
  if (done.error().message() != "netlink: No such file or directory") return done.error();
  return std::optional<uint32_t>();
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
