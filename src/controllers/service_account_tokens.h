// ServiceAccountTokens: fills Secrets of type kubernetes.io/service-account-token, which name an
// account by annotation, with a token, the cluster's CA and the namespace, and deletes them with
// their account. Such tokens never expire; nothing makes these Secrets but people.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
#pragma once
#include <string>

#include "controllers/controller.h"
#include "crypto/certificate.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

class ServiceAccountTokens : public Controller {
 public:
  struct Options {
    crypto::PrivateKey key;   // --service-account-private-key-file
    std::string root_ca_pem;  // "": Secrets get none
  };
  ServiceAccountTokens(Context context, Options options);

 protected:
  // Of the key of a Secret, or "-secret namespace/account" of one that is gone.
  Decision reconcile(const std::string& key, MicroTime now) override;
  Task<Result<void>> sync(std::string key) override;

 private:
  void secret_changed(const ObjectPtr& old, const ObjectPtr& now);
  // The account that a Secret names; null: not in the cache.
  ObjectPtr account_of(const Object& secret) const;
  Decision forget_reference(const std::string& key) const;
  // Deletes the Secret if the server, too, has no such account.
  Task<Result<void>> remove_orphan(ObjectPtr secret);

  Options options_;
  client::Informer& accounts_;
  client::Informer& secrets_;
};

// The claims of the token, as JSON.
std::string legacy_token_claims(core_v1::ServiceAccount account, const Object& secret);

}  // namespace tiphys::controllers
