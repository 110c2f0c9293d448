#include "apiserver/response/gzip.h"

#include <libdeflate.h>

#include <memory>

namespace tiphys::apiserver {

std::string gzip(std::string_view bytes) {
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(
      libdeflate_alloc_compressor(1), libdeflate_free_compressor);
  if (!compressor) return {};
  std::string out(libdeflate_gzip_compress_bound(compressor.get(), bytes.size()), '\0');
  size_t size = libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(), out.data(),
                                         out.size());
  out.resize(size);
  return out;
}

}  // namespace tiphys::apiserver
