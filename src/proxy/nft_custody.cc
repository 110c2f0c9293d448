#include "proxy/nft_custody.h"

#include "proxy/nft.h"

namespace tiphys::proxy {

Result<void> NftCustody::look(uint32_t ours) {
  TIPHYS_TRY(uint32_t, now, os::nft_generation());
  if (now != generation_ + ours) ++strangers_;
  generation_ = now;
  return {};
}

Result<uint64_t> NftCustody::run(const std::function<Result<void>()>& transaction) {
  Result<void> looked = look(0);
  uint64_t before = strangers_;
  Result<void> applied = transaction();
  if (!look(applied ? 1 : 0) || !looked) ++strangers_;
  if (!applied) return applied.error();
  return before;
}

Result<uint64_t> NftCustody::strangers() {
  Result<void> done = look(0);
  if (!done) return done.error();
  return strangers_;
}

}  // namespace tiphys::proxy
