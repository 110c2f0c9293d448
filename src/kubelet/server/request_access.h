// RequestAccess: who calls the kubelet's server, and may they? Client certificates (verified
// before, by TLS) name a user and groups; bearer tokens are reviewed by the API server; others are
// anonymous, if that is allowed. Webhook authorization asks the API server for each subresource of
// request_attributes.h. What it can't be asked is refused (401, 500), never allowed; verdicts are
// remembered for the times that the configuration names.
//
// Loop thread only. What it references outlives it.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "client/reviews.h"
#include "kubelet/options.h"
#include "net/http.h"

namespace tiphys::kubelet {

class RequestAccess {
 public:
  RequestAccess(const Clock& clock, client::Client& client, const Options& options);

  // What of a request is judged.
  struct Call {
    std::string method;
    std::string path;  // raw
    std::string authorization;
    std::shared_ptr<const crypto::Certificate> peer;
  };
  static Call call_of(const net::Request& request);
  // Nothing: go on; else the answer that refuses.
  Task<std::optional<net::Response>> refusal(Call call);

 private:
  // Nothing: nobody, who may not be.
  Task<Result<std::optional<client::ReviewedUser>>> authenticate(Call call);
  Task<Result<bool>> may(client::ReviewedUser user, std::string verb, std::string subresource);

  const Clock& clock_;
  const Options& options_;
  client::TokenReviewer tokens_;
  client::AccessReviewer access_;
};

}  // namespace tiphys::kubelet
