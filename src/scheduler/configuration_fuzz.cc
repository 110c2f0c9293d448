// A scheduler's configuration file from anyone: parsed, judged and made into profiles.
#include "scheduler/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tiphys::scheduler::Configuration;
  auto config = Configuration::parse({reinterpret_cast<const char*>(data), size});
  if (!config) return 0;
  // What was read is written as something that can be read.
  if (!Configuration::parse(config->json())) __builtin_trap();
  if (!config->validate()) return 0;
  (void)config->profiles();
  (void)config->extenders();
  return 0;
}
