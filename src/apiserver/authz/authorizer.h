// Authorizer: may this user do this? Loop thread only; no I/O (rules come from the watch caches).
#pragma once
#include <string>

#include "apiserver/user.h"

namespace tiphys::apiserver {

enum class Decision : uint8_t { kAllow, kDeny, kNoOpinion };

struct Verdict {
  Decision decision = Decision::kNoOpinion;
  std::string reason;
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Verdict authorize(const UserInfo& user, const Attributes& attributes) = 0;
};

}  // namespace tiphys::apiserver
