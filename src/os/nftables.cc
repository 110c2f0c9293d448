#include "os/nftables.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/strings.h"
#include "os/process.h"

namespace tiphys::os {
namespace {

constexpr int kNftTimeoutSeconds = 60;

ApiStatus complaint(const CommandResult& result) {
  std::string_view first = split(result.err, '\n')[0];
  return ApiStatus::internal("nft ended with " + std::to_string(result.status) + ": " +
                             std::string(first));
}

}  // namespace

Result<void> nft_apply(const std::string& text) {
  TIPHYS_TRY(CommandResult, result, run_command({"nft", "-f", "-"}, text, kNftTimeoutSeconds));
  if (result.status != 0) return complaint(result);
  return {};
}

Result<std::string> nft_list(std::string_view table) {
  std::vector<std::string> command = {"nft", "-s", "-a", "list", "table"};
  for (std::string_view word : split(table, ' ')) command.emplace_back(word);
  TIPHYS_TRY(CommandResult, result, run_command(command, "", kNftTimeoutSeconds));
  if (result.status == 0) return result.out;
  if (result.err.find("No such file or directory") != std::string::npos) return std::string();
  return complaint(result);
}

Result<uint32_t> nft_generation() {
  TIPHYS_TRY(NetlinkSocket, socket, NetlinkSocket::open(NETLINK_NETFILTER));
  uint32_t generation = 0;
  Result<void> done = socket.request(nft_question(NFT_MSG_GETGEN, NFPROTO_UNSPEC, NLM_F_ACK),
                                     [&](const NetlinkReply& reply) {
                                       std::string_view bytes = nft_attribute(reply, NFTA_GEN_ID);
                                       if (!bytes.empty())
                                         generation = static_cast<uint32_t>(big_endian(bytes));
                                     });
  if (!done) return done.error();
  return generation;
}

NetlinkMessage nft_question(int kind, uint8_t family, uint16_t flags) {
  nfgenmsg body{};
  body.nfgen_family = family;
  return {static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | kind),
          flags,
          {reinterpret_cast<char*>(&body), sizeof body}};
}

std::string_view nft_attribute(const NetlinkReply& reply, uint16_t attribute) {
  return reply.find(sizeof(nfgenmsg), attribute).value_or("");
}

}  // namespace tiphys::os
