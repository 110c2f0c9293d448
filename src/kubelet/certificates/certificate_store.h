// CertificateStore: one certificate with its key in a folder, as upstream's FileStore keeps them:
// <name>-<time>.pem holds both, the link <name>-current.pem names the newest. A crash leaves the
// old one or the new one. Reads and writes small files.
#pragma once
#include <optional>
#include <string>

#include "base/time.h"
#include "kubelet/certificates/certificate_pair.h"

namespace tiphys::kubelet {

class CertificateStore {
 public:
  CertificateStore(std::string folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}
  std::string current_path() const { return folder_ + "/" + name_ + "-current.pem"; }
  // Nothing: none is there, or it can't be used.
  std::optional<CertificatePair> load() const;
  Result<void> save(const CertificatePair& pair, MicroTime now) const;

 private:
  std::string folder_;
  std::string name_;
};

}  // namespace tiphys::kubelet
