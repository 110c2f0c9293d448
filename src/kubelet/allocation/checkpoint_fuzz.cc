// Checkpoints of allocations: whatever stands in the file.
#include "kubelet/allocation/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto read = tiphys::kubelet::decode_checkpoint(text);
  if (read && !tiphys::kubelet::decode_checkpoint(tiphys::kubelet::encode_checkpoint(*read))) {
    __builtin_trap();
  }
  return 0;
}
