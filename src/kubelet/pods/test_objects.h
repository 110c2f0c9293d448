// For tests: objects from short JSON.
#pragma once
#include <cstdlib>
#include <string>

#include "codec/codec.h"
#include "kinds/core_v1.h"

namespace tiphys::kubelet {

inline ObjectPtr object_of(const std::string& json) {
  Result<Draft> draft = codec::decode_object(codec::Format::kJson, json, nullptr, nullptr);
  if (!draft) {
    std::fprintf(stderr, "%s: %s\n", draft.error().message().c_str(), json.c_str());
    std::abort();
  }
  return draft->freeze();
}

// A pod "p" in "default" with uid "u" and this spec.
inline ObjectPtr pod_of(const std::string& spec, const std::string& status = "{}") {
  return object_of(
      "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
      "\"default\","
      "\"uid\":\"u\",\"labels\":{\"app\":\"web\"}},\"spec\":" +
      spec + ",\"status\":" + status + "}");
}

}  // namespace tiphys::kubelet
