#include "kubelet/certificates/certificate_manager.h"

#include <algorithm>

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
                                       std::function<void(const CertificatePair&)> on_renewed)
    : loop_(loop),
      client_(client),
      random_(random),
      store_(std::move(store)),
      wish_(std::move(wish)),
      on_renewed_(std::move(on_renewed)),
      gate_(loop) {}

void CertificateManager::start(std::optional<CertificatePair> present) {
  gate_.spawn(run(std::move(present)));
}

Task<void> CertificateManager::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

MicroTime CertificateManager::due(const std::optional<CertificatePair>& present) {
  if (!present) return 0;
  auto certificate = crypto::Certificate::from_pem(present->certificate_pem);
  if (!certificate) return 0;
  double jitter = static_cast<double>(random_.below(1'000'000)) * kMicro;
  return rotation_deadline(certificate->not_before(), certificate->not_after(), jitter);
}

Task<void> CertificateManager::run(std::optional<CertificatePair> present) {
  client::BackOff back_off(random_,
                           {.first = std::chrono::seconds(2), .limit = std::chrono::seconds(32)});
  MicroTime deadline = due(present);
  if (deadline > 0) LOG_INFO("Rotating certificates", {"deadline", format_rfc3339(deadline)});
  while (!stop_.stop_requested()) {
    if (loop_.wall() < deadline) {
      Duration left = std::chrono::microseconds(deadline - loop_.wall());
      (void)co_await sleep_for(loop_, std::min(left, kLongestNap), stop_.token());
      continue;
    }
    Result<CertificatePair> fresh =
        co_await request_certificate(loop_, client_, wish_, stop_.token());
    if (stop_.stop_requested()) co_return;
    Result<void> saved;
    if (fresh) saved = store_.save(*fresh, loop_.wall());
    if (!fresh || !saved) {
      LOG_ERROR("Certificate rotation failed", {"signerName", wish_.signer},
                {"err", fresh ? saved.error() : fresh.error()});
      (void)co_await sleep_for(loop_, back_off.next(loop_.mono()), stop_.token());
      continue;
    }
    deadline = std::max(due(*fresh), loop_.wall() + kLeastPause);
    LOG_INFO("Certificate rotated", {"signerName", wish_.signer},
             {"next", format_rfc3339(deadline)});
    on_renewed_(*fresh);
  }
}

}  // namespace tiphys::kubelet
