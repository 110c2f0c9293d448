// A certificate and its key, as PEM.
#pragma once
#include <string>

namespace tiphys::kubelet {

struct CertificatePair {
  std::string certificate_pem;
  std::string key_pem;
  bool operator==(const CertificatePair&) const = default;
};

}  // namespace tiphys::kubelet
