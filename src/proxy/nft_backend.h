// The backend over nftables: RuleSet's transactions, applied by nft(8) or, where they consist of
// elements, by nfnetlink, which looks after them, too.
#pragma once
#include "proxy/backend.h"

namespace tiphys::proxy {

std::unique_ptr<Backend> make_nft_backend(const Settings& settings, Family family);

}  // namespace tiphys::proxy
