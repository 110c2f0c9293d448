// CertificateManager: keeps a certificate from the API valid: asks for one where there is none, and
// for the next when 70 to 90 % of the life of the present one have passed (at a random point, so
// that a fleet doesn't come at once). A certificate stays in use until the next is there, however
// long the API is away; one that is over by then can't ask for another: on_over tells of it.
//
// Loop thread only. What it references outlives it. Source: client-go's util/certificate.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "async/gate.h"
#include "base/random.h"
#include "kubelet/certificates/certificate_numbers.h"
#include "kubelet/certificates/certificate_request.h"
#include "kubelet/certificates/certificate_store.h"

namespace tiphys::kubelet {

// When to ask for the next one; jitter: in [0, 1). Pure.
MicroTime rotation_deadline(MicroTime not_before, MicroTime not_after, double jitter);

class CertificateManager {
 public:
  struct Callbacks {
    // A new pair was stored, and is to be used. lived: the age of the one before, if there was one.
    std::function<void(const CertificatePair& fresh, std::optional<Duration> lived)> on_renewed;
    // The present one is over, and the server, which answers, wants no more of it.
    std::function<void()> on_over = [] {};
  };
  CertificateManager(Loop& loop, client::Client& client, Random& random, CertificateStore store,
                     CertificateWish wish, Callbacks callbacks);
  // The certificate in use; where none is given, the first is asked for at once.
  void start(std::optional<CertificatePair> present);
  Task<void> stop();
  CertificateNumbers numbers() const;

 private:
  Task<void> run(std::optional<CertificatePair> present);
  void use(const CertificatePair& present);
  Task<Result<CertificatePair>> renew();
  void renewed(const CertificatePair& fresh);
  void failed(const ApiStatus& why);

  Loop& loop_;
  client::Client& client_;
  Random& random_;
  CertificateStore store_;
  CertificateWish wish_;
  Callbacks callbacks_;
  Gate gate_;
  StopSource stop_;
  // Of the present one; 0: there is none.
  MicroTime not_before_ = 0;
  MicroTime not_after_ = 0;
  MicroTime deadline_ = 0;  // when to ask for the next
  double renew_errors_ = 0;
};

}  // namespace tiphys::kubelet
