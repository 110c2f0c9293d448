// The files of configMap, secret, downwardAPI and projected volumes, from what was fetched. Pure.
// Errors are messages of FailedMount events, upstream's words.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "kubelet/pods/downward.h"
#include "kubelet/pods/references.h"

namespace tiphys::kubelet {

struct PayloadFile {
  std::string data;
  int mode = 0644;
  bool operator==(const PayloadFile&) const = default;
};
// By relative path. Paths are checked: not absolute, no "..", at most 4096 bytes, no part starting
// with "..".
using Payload = std::map<std::string, PayloadFile>;

// Service account tokens of projected volumes, by audience.
using Tokens = std::map<std::string, std::string>;

struct PayloadInput {
  DownwardContext context;
  const Fetched* fetched = nullptr;
  const Tokens* tokens = nullptr;
};

bool has_payload(core_v1::Volume volume);
Result<Payload> volume_payload(const PayloadInput& input, core_v1::Volume volume);
Result<void> check_payload_path(std::string_view path);

}  // namespace tiphys::kubelet
