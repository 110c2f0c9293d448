// CallerAccess: may a request to a component's own server go on? Callers are known by a client
// certificate, by the word of a front proxy or by a bearer token, or are anonymous; the API server
// judges tokens and the right to use a path (TokenReview, SubjectAccessReview), as for upstream's
// components (delegating authentication and authorization of k8s.io/apiserver).
//
// Loop thread only. Clock and clients outlive it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/reviews.h"
#include "crypto/certificate.h"
#include "main/request_header.h"
#include "net/http.h"

namespace tiphys {

class CallerAccess {
 public:
  struct Options {
    // Of --client-ca-file. Empty: no certificate is believed, but a proxy's.
    std::vector<crypto::Certificate> client_authorities;
    std::optional<RequestHeaders> proxies;
    // How long verdicts are remembered.
    Duration token_ttl = std::chrono::seconds(10);
    Duration authorized_ttl = std::chrono::seconds(10);
    Duration unauthorized_ttl = std::chrono::seconds(10);
  };
  CallerAccess(const Clock& clock, client::Client& authentication, client::Client& authorization,
               Options options);

  struct Call {
    std::string path;
    std::string verb;  // "get"
    net::Headers headers;
    // Verified in the handshake, by one of the CAs; it may be over by now. Null: none.
    std::shared_ptr<const crypto::Certificate> peer;
  };
  // Nothing: go on; else the answer that refuses.
  Task<std::optional<net::Response>> refusal(Call call);

 private:
  Result<std::optional<client::ReviewedUser>> peer_user(const crypto::Certificate& peer,
                                                        const net::Headers& headers) const;
  Task<Result<client::ReviewedUser>> who(net::Headers headers,
                                         std::shared_ptr<const crypto::Certificate> peer);
  Task<Result<bool>> may(client::ReviewedUser user, std::string path, std::string verb);

  const Clock& clock_;
  Options options_;
  client::TokenReviewer tokens_;
  client::AccessReviewer access_;
};

}  // namespace tiphys
