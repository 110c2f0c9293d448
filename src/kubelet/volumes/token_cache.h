// TokenCache: the service account tokens of one pod's projected volumes, bound to the pod, renewed
// before they expire.
//
// Loop thread only. A token is renewed when four fifths of its time have passed, or after a day,
// with a little jitter; if that fails, the old one serves as long as it is valid. After upstream's
// pkg/kubelet/token.
#pragma once
#include <map>
#include <string>

#include "base/random.h"
#include "client/client.h"
#include "kubelet/volumes/payload.h"

namespace tiphys::kubelet {

class TokenCache {
 public:
  TokenCache(Loop& loop, client::Client& client, Random& random);
  // Every token that the pod's volumes ask for; what can't be had says why.
  Task<Tokens> get(ObjectPtr pod);

 private:
  struct Token {
    std::string text;
    MicroTime renew_at = 0;
    MicroTime expires_at = 0;
  };
  Task<Result<std::string>> get_one(ObjectPtr pod, TokenRequestKey key);
  Task<Result<ObjectPtr>> request(ObjectPtr pod, TokenRequestKey key);

  Loop& loop_;
  client::Client& client_;
  Random& random_;
  std::map<TokenRequestKey, Token> tokens_;
};

}  // namespace tiphys::kubelet
