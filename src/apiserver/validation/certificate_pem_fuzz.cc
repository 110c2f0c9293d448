#include <cstddef>
#include <cstdint>

#include "apiserver/validation/certificate_pem.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (tiphys::apiserver::certificate_pem_problem(text).empty() && size > 0 &&
      text.find("-----BEGIN CERTIFICATE-----") == text.npos) {
    __builtin_trap();
  }
  return 0;
}
