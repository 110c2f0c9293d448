#include "controllers/service_account_tokens.h"

#include "controllers/resources.h"
#include "crypto/jwt.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kType = "kubernetes.io/service-account-token";
constexpr std::string_view kName = "kubernetes.io/service-account.name";
constexpr std::string_view kUid = "kubernetes.io/service-account.uid";
constexpr std::string_view kToken = "token";
constexpr std::string_view kCa = "ca.crt";
constexpr std::string_view kNamespace = "namespace";
constexpr std::string_view kByAccount = "service-account";
constexpr char kGone = '-';

// The account's key that a token Secret names; "": it is none.
std::string account_key(const Object& secret) {
  if (core_v1::Secret(secret).type() != kType) return {};
  std::string_view name = metadata(secret).annotations().find(kName);
  return name.empty() ? std::string() : client::object_key(namespace_of(secret), name);
}

bool names(const Object& secret, const Object& account) {
  std::string_view uid = metadata(secret).annotations().find(kUid);
  return uid.empty() || uid == uid_of(account);
}

}  // namespace

// Names and uids hold nothing that JSON escapes.
std::string legacy_token_claims(core_v1::ServiceAccount account, const Object& secret) {
  std::string ns(namespace_of(secret));
  std::string name(account.metadata().name());
  std::string prefix = "kubernetes.io/serviceaccount/";
  std::string claims = "{\"iss\":\"kubernetes/serviceaccount\"";
  auto add = [&](const std::string& key, const std::string& value) {
    claims += ",\"" + key + "\":\"" + value + "\"";
  };
  add(prefix + "namespace", ns);
  add(prefix + "secret.name", std::string(name_of(secret)));
  add(prefix + "service-account.name", name);
  add(prefix + "service-account.uid", std::string(account.metadata().uid()));
  add("sub", "system:serviceaccount:" + ns + ":" + name);
  return claims + "}";
}

ServiceAccountTokens::ServiceAccountTokens(Context context, Options options)
    : Controller(context, "serviceaccount-token-controller"),
      options_(std::move(options)),
      accounts_(watch(service_accounts())),
      secrets_(watch(secrets())) {
  secrets_.add_index(std::string(kByAccount), [](const Object& secret) {
    std::string key = account_key(secret);
    return key.empty() ? std::vector<std::string>() : std::vector<std::string>{key};
  });
  secrets_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { secret_changed(old, now); });
  accounts_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    for (const ObjectPtr& secret :
         secrets_.by_index(kByAccount, client::object_key(now ? *now : *old))) {
      enqueue(*secret);
    }
  });
}

void ServiceAccountTokens::secret_changed(const ObjectPtr& old, const ObjectPtr& now) {
  if (now && !account_key(*now).empty()) enqueue(*now);
  if (now || account_key(*old).empty()) return;
  enqueue(kGone + std::string(name_of(*old)) + " " + account_key(*old));
}

ObjectPtr ServiceAccountTokens::account_of(const Object& secret) const {
  std::string key = account_key(secret);
  auto [ns, name] = client::split_key(key);
  ObjectPtr account = accounts_.get(ns, name);
  return account && names(secret, *account) ? account : nullptr;
}

Decision ServiceAccountTokens::forget_reference(const std::string& key) const {
  Decision decision;
  size_t space = key.find(' ');
  std::string secret = key.substr(1, space - 1);
  auto [ns, name] = client::split_key(std::string_view(key).substr(space + 1));
  ObjectPtr account = accounts_.get(ns, name);
  if (!account || is_deleting(*account) || secrets_.get(ns, secret)) return decision;
  Draft draft(*account);
  auto references = core_v1::ServiceAccountEdit(draft).edit_secrets();
  size_t before = references.size();
  for (size_t i = references.size(); i-- > 0;) {
    if (references[i].view().name() == secret) references.erase(i);
  }
  if (references.size() == before) return decision;
  if (references.empty()) core_v1::ServiceAccountEdit(draft).clear_secrets();
  decision.add(update_action(service_accounts(), draft.freeze()));
  return decision;
}

Decision ServiceAccountTokens::reconcile(const std::string& key, MicroTime now) {
  if (key.starts_with(kGone)) return forget_reference(key);
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = secrets_.get(ns, name);
  if (!object || is_deleting(*object) || account_key(*object).empty()) return decision;
  ObjectPtr account = account_of(*object);
  if (!account) return decision;
  auto data = core_v1::Secret(*object).data();
  bool needs_ca = !options_.root_ca_pem.empty() && data.find(kCa) != options_.root_ca_pem;
  bool needs_namespace = data.find(kNamespace).empty();
  bool needs_token = data.find(kToken).empty();
  if (!needs_ca && !needs_namespace && !needs_token) return decision;
  Draft draft(*object);
  core_v1::SecretEdit secret(draft);
  if (needs_ca) secret.edit_data().set(kCa, options_.root_ca_pem);
  if (needs_namespace) secret.edit_data().set(kNamespace, ns);
  if (needs_token) {
    std::string claims = legacy_token_claims(core_v1::ServiceAccount(*account), *object);
    secret.edit_data().set(kToken, crypto::sign_jwt(claims, options_.key));
  }
  secret.edit_metadata().edit_annotations().set(kName, name_of(*account));
  secret.edit_metadata().edit_annotations().set(kUid, uid_of(*account));
  decision.add(update_action(secrets(), draft.freeze()));
  return decision;
}

Task<Result<void>> ServiceAccountTokens::remove_orphan(ObjectPtr secret) {
  std::string account(metadata(*secret).annotations().find(kName));
  std::string ns(namespace_of(*secret));
  Result<ObjectPtr> live = co_await context_.client.get(service_accounts(), ns, account);
  if (!live && !live.error().is_not_found()) co_return live.error();
  if (live && names(*secret, **live)) co_return Result<void>();  // the cache will tell
  std::vector<Action> actions = {delete_action(secrets(), secret)};
  Result<void> done = co_await execute(client::object_key(*secret), std::move(actions));
  co_return done;
}

Task<Result<void>> ServiceAccountTokens::sync(std::string key) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr secret = key.starts_with(kGone) ? nullptr : secrets_.get(ns, name);
  bool orphan =
      secret && !is_deleting(*secret) && !account_key(*secret).empty() && !account_of(*secret);
  if (orphan) {
    Result<void> removed = co_await remove_orphan(secret);
    co_return removed;
  }
  Result<void> done = co_await Controller::sync(std::move(key));
  co_return done;
}

}  // namespace tiphys::controllers
