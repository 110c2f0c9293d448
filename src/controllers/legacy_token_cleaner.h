// LegacyTokenCleaner: marks, then deletes token Secrets that were once made for every account and
// that nobody has used for long: once a day it looks at those that an account lists and no pod
// names. A year unused (--legacy-service-account-token-clean-up-period): marked invalid, by which
// the API server refuses the token; a year later: deleted. The API server tells since when it
// notes the use of tokens, in a ConfigMap of kube-system; without that nothing is done.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
// #legacy-serviceaccount-token-cleaner
#pragma once
#include <set>
#include <string>

#include "controllers/controller.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

class LegacyTokenCleaner : public Controller {
 public:
  LegacyTokenCleaner(Context context, Duration clean_up_period);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override { return {}; }
  Task<Result<void>> sync(std::string key) override;
  void ready() override;

 private:
  enum class Fate : uint8_t { kStays, kMarked, kGoes };
  Fate fate_of(const Object& secret, MicroTime now) const;
  bool made_for_account(const Object& secret) const;
  bool named_by_pod(const Object& secret) const;
  Task<Result<void>> act(ObjectPtr secret, Fate fate, std::string today);

  Duration period_;
  client::Informer& accounts_;
  client::Informer& secrets_;
  client::Informer& pods_;
};

}  // namespace tiphys::controllers
