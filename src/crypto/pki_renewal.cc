#include "crypto/pki_renewal.h"

#include "base/log.h"

namespace tiphys::crypto {

bool PkiRenewal::check() {
  Pki::Renewed renewed = pki_.renew(loop_);
  for (PkiLeaf leaf : renewed.changed) {
    LOG_INFO("Renewed certificate", {"file", pki_.path(Pki::file_name(leaf))});
    for (const Handler& handler : handlers_[leaf]) handler(pki_.pair(leaf));
  }
  if (renewed.error) LOG_ERROR("Certificates could not be renewed", {"err", *renewed.error});
  return !renewed.error;
}

Task<void> PkiRenewal::run(StopToken stop) {
  bool good = true;
  while (true) {
    bool slept = co_await sleep_for(loop_, good ? kRenewalInterval : kRenewalRetry, stop);
    if (!slept) co_return;
    good = check();
  }
}

}  // namespace tiphys::crypto
