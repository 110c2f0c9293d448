// BootstrapSigner: signs the kubeconfig in the ConfigMap kube-public/cluster-info with every
// bootstrap token that may sign, so that a node that knows a token can trust it.
// TokenCleaner: deletes bootstrap tokens when they expire.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
#pragma once
#include <map>
#include <string>

#include "controllers/controller.h"

namespace tiphys::controllers {

class BootstrapSigner : public Controller {
 public:
  explicit BootstrapSigner(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& config_maps_;
  client::Informer& secrets_;
};

class TokenCleaner : public Controller {
 public:
  explicit TokenCleaner(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& secrets_;
};

// ---- the pure part ----

// A JWS over the content without the content: "header..signature" (RFC 7515, appendix F), HS256.
std::string detached_signature(std::string_view content, std::string_view token_id,
                               std::string_view token_secret);
// The token's secret by its id, if the secret object is one that may sign now.
std::optional<std::pair<std::string, std::string>> signing_token(const Object& secret,
                                                                 MicroTime now);
// When a token expires; nothing: never. One whose time can't be read has expired.
std::optional<MicroTime> token_expiration(const Object& secret);

}  // namespace tiphys::controllers
