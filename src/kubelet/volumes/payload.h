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
  int64_t uid = -1;  // its owner; -1: root
  bool operator==(const PayloadFile&) const = default;
};
// By relative path. Paths are checked: not absolute, no "..", at most 4096 bytes, no part starting
// with "..".
using Payload = std::map<std::string, PayloadFile>;

// A service account token that a projected volume asks for.
struct TokenRequestKey {
  std::string audience;  // "": the API server's
  int64_t seconds = 0;
  auto operator<=>(const TokenRequestKey&) const = default;
};
TokenRequestKey token_key(core_v1::ServiceAccountTokenProjection source);
// What was issued, or why not.
using Tokens = std::map<TokenRequestKey, Result<std::string>>;

struct PayloadInput {
  DownwardContext context;
  const Fetched* fetched = nullptr;
  const Tokens* tokens = nullptr;
};

bool has_payload(core_v1::Volume volume);
Result<Payload> volume_payload(const PayloadInput& input, core_v1::Volume volume);
Result<void> check_payload_path(std::string_view path);
// The user that every container of the pod runs as: it owns the pod's tokens. -1: there is none.
int64_t common_user(core_v1::PodSpec spec);

}  // namespace tiphys::kubelet
