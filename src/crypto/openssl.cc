#include "crypto/openssl.h"

#include <climits>

namespace tiphys::crypto {

ApiStatus openssl_error(std::string_view what) {
  std::string text(what);
  unsigned long code = ERR_peek_last_error();
  if (code != 0) {
    char buffer[256];
    ERR_error_string_n(code, buffer, sizeof buffer);
    const char* reason = ERR_reason_error_string(code);
    text += ": ";
    text += reason ? reason : buffer;
  }
  ERR_clear_error();
  return ApiStatus::internal(text);
}

OwnedBio borrow_bio(std::string_view bytes) {
  if (bytes.size() > INT_MAX) bytes = {};
  return OwnedBio(
      BIO_new_mem_buf(bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size())));
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

int refuse_password(char*, int, int, void*) { return -1; }

}  // namespace tiphys::crypto
