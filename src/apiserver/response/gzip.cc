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

std::optional<std::string> gunzip(std::string_view bytes, size_t max_bytes) {
  constexpr size_t kSizeBytes = 4;  // at the end: the length of what was packed, little endian
  if (bytes.size() < kSizeBytes) return std::nullopt;
  size_t size = 0;
  for (size_t i = 0; i < kSizeBytes; ++i) {
    size |= static_cast<size_t>(static_cast<uint8_t>(bytes[bytes.size() - kSizeBytes + i]))
            << (8 * i);
  }
  if (size > max_bytes) return std::nullopt;
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!decompressor) return std::nullopt;
  std::string out(size, '\0');
  // Fails if there is more or less than that.
  auto result = libdeflate_gzip_decompress(decompressor.get(), bytes.data(), bytes.size(),
                                           out.data(), out.size(), nullptr);
  if (result != LIBDEFLATE_SUCCESS) return std::nullopt;
  return out;
}

}  // namespace tiphys::apiserver
