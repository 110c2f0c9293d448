// What is measured of a certificate that the API gives.
#pragma once

namespace tiphys::kubelet {

struct CertificateNumbers {
  double ttl_seconds = 0;  // negative: it is over; infinite: there is none
  double renew_errors = 0;
};

}  // namespace tiphys::kubelet
