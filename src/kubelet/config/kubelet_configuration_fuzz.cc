// A kubelet's configuration file from anyone: parsed, judged and turned into options.
#include "kubelet/config/configuration.h"
#include "kubelet/config/configuration_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tiphys::kubelet::Configuration;
  std::string text(reinterpret_cast<const char*>(data), size);
  auto config = Configuration::parse({{text, "/"}});
  if (!config) return 0;
  // What was read is written as something that can be laid over nothing.
  if (!Configuration::parse({}, config->json())) __builtin_trap();
  if (config->validate(true)) (void)tiphys::kubelet::check_configuration_support(*config);
  return 0;
}
