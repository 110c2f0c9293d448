// PkiRenewal: looks at the Pki's leaves now and then and passes renewed ones on, so that nothing
// has to restart. Loop thread only.
//
//   PkiRenewal renewal(loop, pki);
//   renewal.on_renewed(PkiLeaf::kApiserver, [&](const PkiPair& p) { server_tls->replace(...); });
//   gate.spawn(renewal.run(stop));
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "async/loop.h"
#include "crypto/pki.h"

namespace tiphys::crypto {

inline constexpr Duration kRenewalInterval = std::chrono::hours(1);
inline constexpr Duration kRenewalRetry = std::chrono::minutes(1);

class PkiRenewal {
 public:
  using Handler = std::function<void(const PkiPair&)>;
  // `pki` must outlive this.
  PkiRenewal(Loop& loop, Pki& pki) : loop_(loop), pki_(pki) {}
  // Handlers are called on the loop after each renewal of the leaf.
  void on_renewed(PkiLeaf leaf, Handler handler) { handlers_[leaf].push_back(std::move(handler)); }
  // Checks every kRenewalInterval until stopped; after an error (logged) sooner.
  Task<void> run(StopToken stop);
  // One check now. False: it failed.
  bool check();

 private:
  Loop& loop_;
  Pki& pki_;
  std::map<PkiLeaf, std::vector<Handler>> handlers_;
};

}  // namespace tiphys::crypto
