// The serving certificate that a kubelet makes for itself when none is named, as upstream's
// kubelet.crt and kubelet.key in --cert-dir: self-signed, a year old at most, kept over restarts.
// Reads and writes small files.
#pragma once
#include <string>

#include "base/time.h"
#include "kubelet/certificates/certificate_pair.h"
#include "kubelet/options.h"

namespace tiphys::kubelet {

// Makes it anew if it is missing, doesn't belong to its key or has expired. Error: files.
Result<CertificatePair> self_signed_certificate(const Options& options, MicroTime now);

}  // namespace tiphys::kubelet
