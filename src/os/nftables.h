// nftables of the calling thread's network namespace, by nft(8), and by nfnetlink where that is
// cheaper. Calls block. Errors: InternalError with nft's first complaint; the kernel's.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/netlink.h"

namespace tiphys::os {

// `nft -f -`: all or nothing.
Result<void> nft_apply(const std::string& text);
// A table ("ip name") with its rules' handles, without what packets change; "": there is none.
Result<std::string> nft_list(std::string_view table);

// How many transactions nftables have seen in this network namespace (NFTA_GEN_ID; it wraps).
Result<uint32_t> nft_generation();

// A question for nfnetlink. kind: NFT_MSG_GETTABLE ...; family: NFPROTO_IPV4 ...; flags: NLM_F_ACK,
// or NLM_F_DUMP for all there are.
NetlinkMessage nft_question(int kind, uint8_t family, uint16_t flags);
// An attribute of an answer; empty if it isn't there.
std::string_view nft_attribute(const NetlinkReply& reply, uint16_t attribute);

}  // namespace tiphys::os
