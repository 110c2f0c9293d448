// CertificateManager: keeps a certificate from the API valid: asks for one where there is none, and
// for the next when 70 to 90 % of the life of the present one have passed (at a random point, so
// that a fleet doesn't come at once). A certificate stays in use until the next is there, however
// long the API is away.
//
// Loop thread only. What it references outlives it. Source: client-go's util/certificate.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "async/gate.h"
#include "base/random.h"
#include "kubelet/certificates/certificate_request.h"
#include "kubelet/certificates/certificate_store.h"

namespace tiphys::kubelet {

// When to ask for the next one; jitter: in [0, 1). Pure.
MicroTime rotation_deadline(MicroTime not_before, MicroTime not_after, double jitter);

class CertificateManager {
 public:
  // on_renewed: a new pair was stored, and is to be used.
  CertificateManager(Loop& loop, client::Client& client, Random& random, CertificateStore store,
                     CertificateWish wish, std::function<void(const CertificatePair&)> on_renewed);
  // The certificate in use; where none is given, the first is asked for at once.
  void start(std::optional<CertificatePair> present);
  Task<void> stop();

 private:
  Task<void> run(std::optional<CertificatePair> present);
  MicroTime due(const std::optional<CertificatePair>& present);

  Loop& loop_;
  client::Client& client_;
  Random& random_;
  CertificateStore store_;
  CertificateWish wish_;
  std::function<void(const CertificatePair&)> on_renewed_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::kubelet
