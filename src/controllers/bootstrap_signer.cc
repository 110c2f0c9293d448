#include "controllers/bootstrap_signer.h"

#include "base/strings.h"
#include "base/time_math.h"
#include "controllers/resources.h"
#include "crypto/jwt.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kTokenNamespace = "kube-system";
constexpr std::string_view kTokenType = "bootstrap.kubernetes.io/token";
constexpr std::string_view kTokenPrefix = "bootstrap-token-";
constexpr std::string_view kMapNamespace = "kube-public";
constexpr std::string_view kMapName = "cluster-info";
constexpr std::string_view kContent = "kubeconfig";
constexpr std::string_view kSignaturePrefix = "jws-kubeconfig-";
constexpr size_t kIdSize = 6;

bool is_token(const Object& object) {
  return metadata(object).namespace_() == kTokenNamespace &&
         core_v1::Secret(object).type() == kTokenType;
}

// "bootstrap-token-abcdef" -> "abcdef"
std::optional<std::string> id_of_name(std::string_view name) {
  auto id = cut_prefix(name, kTokenPrefix);
  if (!id || id->size() != kIdSize) return std::nullopt;
  for (char c : *id) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return std::nullopt;
  }
  return std::string(*id);
}

bool is_info(const Object& object) {
  return metadata(object).namespace_() == kMapNamespace && metadata(object).name() == kMapName;
}

}  // namespace

std::string detached_signature(std::string_view content, std::string_view token_id,
                               std::string_view token_secret) {
  // Both are lower case letters and digits.
  std::string header =
      base64url_encode("{\"alg\":\"HS256\",\"kid\":\"" + std::string(token_id) + "\"}");
  std::string signature =
      crypto::hmac_sha256(token_secret, header + "." + base64url_encode(content));
  return header + ".." + base64url_encode(signature);
}

std::optional<MicroTime> token_expiration(const Object& secret) {
  std::string_view text = core_v1::Secret(secret).data().find("expiration");
  if (text.empty()) return std::nullopt;
  Result<MicroTime> time = parse_rfc3339(text);
  return time ? *time : 0;
}

std::optional<std::pair<std::string, std::string>> signing_token(const Object& secret,
                                                                 MicroTime now) {
  if (!is_token(secret)) return std::nullopt;
  auto data = core_v1::Secret(secret).data();
  std::optional<std::string> id = id_of_name(metadata(secret).name());
  std::string_view value = data.find("token-secret");
  if (!id || data.find("token-id") != *id || value.empty()) return std::nullopt;
  std::optional<MicroTime> end = token_expiration(secret);
  bool expired = end && *end <= now;
  if (expired || data.find("usage-bootstrap-signing") != "true") return std::nullopt;
  return std::pair(*id, std::string(value));
}

BootstrapSigner::BootstrapSigner(Context context)
    : Controller(context, "bootstrap-signer-controller", 1),
      config_maps_(watch(config_maps())),
      secrets_(watch(secrets())) {
  auto poke = [this] { enqueue(client::object_key(kMapNamespace, kMapName)); };
  config_maps_.add_handler([poke](const ObjectPtr& old, const ObjectPtr& now) {
    if (is_info(now ? *now : *old)) poke();
  });
  secrets_.add_handler([poke](const ObjectPtr& old, const ObjectPtr& now) {
    if ((old && is_token(*old)) || (now && is_token(*now))) poke();
  });
}

Decision BootstrapSigner::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr object = config_maps_.get(kMapNamespace, kMapName);
  if (!object || !core_v1::ConfigMap(*object).data().contains(kContent)) return decision;
  auto data = core_v1::ConfigMap(*object).data();
  std::map<std::string, std::string> wanted;
  for (const ObjectPtr& secret : secrets_.list(kTokenNamespace)) {
    auto token = signing_token(*secret, now);
    if (!token) continue;
    wanted.emplace(std::string(kSignaturePrefix) + token->first,
                   detached_signature(data.find(kContent), token->first, token->second));
    if (auto end = token_expiration(*secret)) {
      decision.look_again_in(time_between(now, *end));
    }
  }
  Draft draft(*object);
  auto edit = core_v1::ConfigMapEdit(draft).edit_data();
  for (auto [name, value] : data) {
    if (name.starts_with(kSignaturePrefix)) edit.erase(name);
  }
  for (const auto& [name, signature] : wanted) edit.set(name, signature);
  ObjectPtr changed = draft.freeze();
  if (!equal(View(*changed), View(*object))) decision.add(update_action(config_maps(), changed));
  return decision;
}

TokenCleaner::TokenCleaner(Context context)
    : Controller(context, "token-cleaner-controller", 1), secrets_(watch(secrets())) {
  secrets_.add_handler([this](const ObjectPtr&, const ObjectPtr& now) {
    if (now && is_token(*now)) enqueue(*now);
  });
}

Decision TokenCleaner::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr secret = secrets_.get(ns, name);
  if (!secret || !is_token(*secret) || is_deleting(*secret)) return decision;
  std::optional<MicroTime> end = token_expiration(*secret);
  if (!end) return decision;
  if (*end > now) {
    decision.look_again_in(time_between(now, *end));
  } else {
    decision.add(delete_action(secrets(), secret));
  }
  return decision;
}

}  // namespace tiphys::controllers
