// What a cluster says of itself to a node that joins.
#include "main/cluster_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  tiphys::ClusterConfig config;
  for (const tiphys::ClusterDocument& document : tiphys::kClusterDocuments) {
    (void)document.read(text, config);
  }
  // What was taken is written as something that says the same.
  tiphys::ClusterConfig again;
  for (const tiphys::ClusterDocument& document : tiphys::kClusterDocuments) {
    if (!document.read(document.write(config), again)) __builtin_trap();
  }
  if (!(again == config)) __builtin_trap();
  return 0;
}
