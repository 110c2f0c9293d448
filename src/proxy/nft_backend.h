// The backend over nftables: RuleSet's transactions, applied by nft(8) or, where they consist of
// elements, by nfnetlink, which looks after them, too.
#pragma once
#include "proxy/backend.h"
#include "proxy/nft_custody.h"

namespace tiphys::proxy {

// The table that may stand beside one while it is made anew; a process that was killed leaves it
// until the next start.
std::string stand_in_of(const std::string& table);

// custody: one for both families, as they share the kernel's transactions.
std::unique_ptr<Backend> make_nft_backend(const Settings& settings, Family family,
                                          std::shared_ptr<NftCustody> custody);

}  // namespace tiphys::proxy
