#include "kubelet/certificates/certificate_store.h"

#include <unistd.h>

#include <cstring>

#include "base/log.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

// "2006-01-02-15-04-05"
std::string stamp(MicroTime now) {
  std::string text = format_rfc3339(now).substr(0, 19);
  for (char& c : text) c = c == 'T' || c == ':' ? '-' : c;
  return text;
}

}  // namespace

std::optional<CertificatePair> CertificateStore::load() const {
  Result<std::string> pem = os::read_regular_file(current_path(), crypto::kMaxPemBytes);
  if (!pem) return std::nullopt;
  Result<crypto::Certificate> certificate = crypto::Certificate::from_pem(*pem);
  Result<crypto::PrivateKey> key = crypto::PrivateKey::from_pem(*pem);
  if (!certificate || !key || !certificate->belongs_to(*key)) {
    LOG_WARNING("The certificate that was kept can't be used", {"path", current_path()});
    return std::nullopt;
  }
  return CertificatePair{*pem, *pem};
}

Result<void> CertificateStore::save(const CertificatePair& pair, MicroTime now) const {
  Result<void> made = os::make_dirs(folder_, 0755);
  if (!made) return made;
  std::string file = name_ + "-" + stamp(now) + ".pem";
  Result<void> written =
      os::write_file_atomic(folder_ + "/" + file, pair.certificate_pem + pair.key_pem, 0600);
  if (!written) return written;
  std::string fresh = folder_ + "/" + name_ + "-updated.pem";
  ::unlink(fresh.c_str());
  bool linked = ::symlink(file.c_str(), fresh.c_str()) == 0 &&
                ::rename(fresh.c_str(), current_path().c_str()) == 0;
  if (linked) return {};
  return ApiStatus::internal("link " + current_path() + ": " + std::strerror(errno));
}

}  // namespace tiphys::kubelet
