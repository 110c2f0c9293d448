// A kube-proxy's configuration file from anyone: parsed, judged and turned into options.
#include "proxy/config/configuration_options.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tiphys::proxy::Configuration;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = Configuration::parse(text);
  if (!config) return 0;
  // What was read is written as something that can be laid over nothing.
  if (!Configuration::parse("", config->json())) __builtin_trap();
  if (config->validate()) (void)tiphys::proxy::proxier_options(*config, {});
  return 0;
}
