#include "apiserver/admission/mountable_secrets.h"

#include <set>

#include "kinds/pod_references.h"

namespace tiphys::apiserver {
namespace {

using Names = std::set<std::string, std::less<>>;

std::string refused(std::string_view secret, std::string_view account) {
  return "referencing secret.secretName=\"" + std::string(secret) +
         "\" is not allowed because service account " + std::string(account) +
         " does not reference that secret";
}

template <class List>
std::string check_environment(const char* what, const List& containers, const Names& allowed,
                              std::string_view account) {
  for (const auto& container : containers) {
    std::string start = std::string(what) + " " + std::string(container.name());
    for (const auto& variable : container.env()) {
      std::string_view secret = variable.value_from().secret_key_ref().name();
      if (!variable.value_from().has_secret_key_ref() || allowed.contains(secret)) continue;
      return start + " with envVar " + std::string(variable.name()) + " " +
             refused(secret, account);
    }
    for (const auto& source : container.env_from()) {
      std::string_view secret = source.secret_ref().name();
      if (!source.has_secret_ref() || allowed.contains(secret)) continue;
      return start + " with envFrom " + refused(secret, account);
    }
  }
  return {};
}

std::string check_volumes(const core_v1::Pod& pod, const Names& allowed, std::string_view account) {
  for (const auto& volume : pod.spec().volumes()) {
    std::vector<std::string_view> secrets;
    if (volume.has_secret()) secrets.push_back(volume.secret().secret_name());
    for (const auto& source : volume.projected().sources()) {
      if (source.has_secret()) secrets.push_back(source.secret().name());
    }
    for (std::string_view secret : secrets) {
      if (!allowed.contains(secret)) {
        return "volume with secret.secretName=\"" + std::string(secret) +
               "\" is not allowed because service account " + std::string(account) +
               " does not reference that secret";
      }
    }
  }
  return {};
}

std::string check_pull_secrets(const core_v1::Pod& pod, const core_v1::ServiceAccount& account) {
  Names allowed;
  for (const auto& secret : account.image_pull_secrets()) allowed.emplace(secret.name());
  auto secrets = pod.spec().image_pull_secrets();
  for (size_t i = 0; i < secrets.size(); i++) {
    if (allowed.contains(secrets[i].name())) continue;
    return "imagePullSecrets[" + std::to_string(i) + "].name=\"" + std::string(secrets[i].name()) +
           "\" is not allowed because service account " + std::string(account.metadata().name()) +
           " does not reference that imagePullSecret";
  }
  return {};
}

}  // namespace

bool references_secrets(const core_v1::Pod& pod) {
  return !kinds::references_of(pod).secrets.empty();
}

std::string find_unmountable_secret(const core_v1::Pod& pod, const core_v1::ServiceAccount& account,
                                    bool ephemeral_only) {
  Names allowed;
  for (const auto& secret : account.secrets()) allowed.emplace(secret.name());
  std::string_view name = account.metadata().name();
  if (ephemeral_only) {
    return check_environment("ephemeral container", pod.spec().ephemeral_containers(), allowed,
                             name);
  }
  std::string why = check_volumes(pod, allowed, name);
  if (why.empty()) {
    why = check_environment("init container", pod.spec().init_containers(), allowed, name);
  }
  if (why.empty()) why = check_environment("container", pod.spec().containers(), allowed, name);
  if (why.empty()) why = check_pull_secrets(pod, account);
  return why;
}

}  // namespace tiphys::apiserver
