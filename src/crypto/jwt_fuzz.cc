// Tokens and their headers, as the network sends them: never accepted, never a crash.
#include <cstdlib>

#include "crypto/jose_header.h"
#include "crypto/jwt.h"

namespace {

const std::vector<tiphys::crypto::VerificationKey>& keys() {
  static const auto kKeys = [] {
    auto key = *tiphys::crypto::PrivateKey::generate();
    return std::vector{*tiphys::crypto::VerificationKey::from_pem(key.public_pem())};
  }();
  return kKeys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)tiphys::crypto::parse_jose_header(text);
  (void)tiphys::crypto::unverified_claims(text);
  if (tiphys::crypto::verify_jwt(text, keys())) abort();
  return 0;
}
