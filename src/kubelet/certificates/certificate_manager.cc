#include "kubelet/certificates/certificate_manager.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/log.h"
#include "client/back_off.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kLongestNap = std::chrono::minutes(10);  // the wall clock may jump
constexpr MicroTime kLeastPause = 10 * kMicrosPerSecond;    // between two, however short they live
constexpr double kMicro = 1e-6;

}  // namespace

MicroTime rotation_deadline(MicroTime not_before, MicroTime not_after, double jitter) {
  auto life = static_cast<double>(not_after - not_before);
  return not_before + static_cast<MicroTime>(life * (0.7 + 0.2 * jitter));
}

CertificateManager::CertificateManager(Loop& loop, client::Client& client, Random& random,
                                       CertificateStore store, CertificateWish wish,
                                       Callbacks callbacks)
    : loop_(loop),
      client_(client),
      random_(random),
      store_(std::move(store)),
      wish_(std::move(wish)),
      callbacks_(std::move(callbacks)),
      gate_(loop) {}

void CertificateManager::start(std::optional<CertificatePair> present) {
  gate_.spawn(run(std::move(present)));
}

Task<void> CertificateManager::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

CertificateNumbers CertificateManager::numbers() const {
  double left = static_cast<double>(not_after_ - loop_.wall()) * kMicro;
  bool none = not_after_ == 0;
  return {none ? std::numeric_limits<double>::infinity() : std::trunc(left), renew_errors_};
}

void CertificateManager::use(const CertificatePair& present) {
  auto certificate = crypto::Certificate::from_pem(present.certificate_pem);
  if (!certificate) return;
  not_before_ = certificate->not_before();
  not_after_ = certificate->not_after();
  double jitter = static_cast<double>(random_.below(1'000'000)) * kMicro;
  deadline_ = rotation_deadline(not_before_, not_after_, jitter);
}

Task<void> CertificateManager::run(std::optional<CertificatePair> present) {
  client::BackOff back_off(random_,
                           {.first = std::chrono::seconds(2), .limit = std::chrono::seconds(32)});
  if (present) use(*present);
  if (deadline_ > 0) LOG_INFO("Rotating certificates", {"deadline", format_rfc3339(deadline_)});
  while (!stop_.stop_requested()) {
    if (loop_.wall() < deadline_) {
      Duration left = std::chrono::microseconds(deadline_ - loop_.wall());
      (void)co_await sleep_for(loop_, std::min(left, kLongestNap), stop_.token());
      continue;
    }
    Result<CertificatePair> fresh = co_await renew();
    if (stop_.stop_requested()) co_return;
    if (fresh) {
      renewed(*fresh);
    } else {
      failed(fresh.error());
      (void)co_await sleep_for(loop_, back_off.next(loop_.mono()), stop_.token());
    }
  }
}

// The next one, asked for and stored.
Task<Result<CertificatePair>> CertificateManager::renew() {
  Result<CertificatePair> fresh =
      co_await request_certificate(loop_, client_, wish_, stop_.token());
  if (!fresh) co_return fresh;
  Result<void> saved = store_.save(*fresh, loop_.wall());
  if (!saved) co_return saved.error();
  co_return fresh;
}

void CertificateManager::renewed(const CertificatePair& fresh) {
  std::optional<Duration> lived;
  if (not_after_ > 0) lived = std::chrono::microseconds(loop_.wall() - not_before_);
  use(fresh);
  deadline_ = std::max(deadline_, loop_.wall() + kLeastPause);
  LOG_INFO("Certificate rotated", {"signerName", wish_.signer},
           {"next", format_rfc3339(deadline_)});
  callbacks_.on_renewed(fresh, lived);
}

void CertificateManager::failed(const ApiStatus& why) {
  ++renew_errors_;
  LOG_ERROR("Certificate rotation failed", {"signerName", wish_.signer}, {"err", why});
  bool over = not_after_ > 0 && not_after_ <= loop_.wall();
  if (over && why.code() == 401) callbacks_.on_over();
}

}  // namespace tiphys::kubelet
