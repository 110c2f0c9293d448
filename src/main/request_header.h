// RequestHeaders: users that a front proxy (the API server's aggregation layer) speaks for: it
// shows a certificate of its own CA and names the user in headers. Flags of components that run
// alone. Pure after load(). Source: k8s.io/apiserver/pkg/authentication/request/headerrequest.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "client/reviews.h"
#include "crypto/certificate.h"
#include "main/flags.h"
#include "net/http.h"

namespace tiphys {

struct RequestHeaderFlags {
  std::string client_ca_file;  // "": no proxy is believed
  std::vector<std::string> allowed_names;
  std::vector<std::string> username_headers = {"x-remote-user"};
  std::vector<std::string> uid_headers;
  std::vector<std::string> group_headers = {"x-remote-group"};
  std::vector<std::string> extra_prefixes = {"x-remote-extra-"};
  void add_to(FlagSet& flags);
};

// The certificates of a PEM bundle. Error: one that can't be read.
Result<std::vector<crypto::Certificate>> certificates_of(std::string_view pem);
// Whether one of the CAs signed it itself: chains of several are not followed.
bool signed_by_any(const crypto::Certificate& certificate,
                   const std::vector<crypto::Certificate>& authorities);

class RequestHeaders {
 public:
  RequestHeaders(RequestHeaderFlags flags, std::vector<crypto::Certificate> authorities)
      : flags_(std::move(flags)), authorities_(std::move(authorities)) {}
  // Nothing: it is not the proxy, or it names nobody. Error: Unauthorized, a certificate of the
  // proxy's CA with a name that isn't among --requestheader-allowed-names.
  Result<std::optional<client::ReviewedUser>> user(const crypto::Certificate& peer,
                                                   const net::Headers& headers) const;

 private:
  RequestHeaderFlags flags_;
  std::vector<crypto::Certificate> authorities_;
};

}  // namespace tiphys
