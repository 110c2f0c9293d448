#include "kubelet/images/registry_auth.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "kubelet/images/reference.h"

namespace tiphys::kubelet {
namespace {

// "https://index.docker.io/v1/" -> "docker.io".
std::string host_of(std::string_view key) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (auto rest = cut_prefix(key, scheme)) key = *rest;
  }
  std::string host(key.substr(0, key.find('/')));
  return host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io" : host;
}

std::optional<RegistryAuth> read_entry(const Node& entry) {
  RegistryAuth out{std::string(entry.find("username").as_text()),
                   std::string(entry.find("password").as_text())};
  if (std::optional<std::string> both = base64_decode(entry.find("auth").as_text())) {
    size_t colon = both->find(':');
    if (colon != std::string::npos) out = {both->substr(0, colon), both->substr(colon + 1)};
  }
  if (out.user.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<RegistryAuth> find_registry_auth(core_v1::Secret secret, std::string_view image) {
  Result<ImageReference> reference = parse_image_reference(image);
  if (!reference) return std::nullopt;
  std::string_view text = secret.data().find(".dockerconfigjson");
  bool nested = !text.empty();
  if (!nested) text = secret.data().find(".dockercfg");
  Arena arena;
  Result<Value> json = codec::decode_json_any(text, arena);
  if (text.empty() || !json) return std::nullopt;
  const Node& auths = nested ? json->as_node().find("auths").as_node() : json->as_node();
  for (uint32_t i = 0; i + 1 < auths.size; i += 2) {
    if (host_of(auths.data[i].as_text()) != reference->domain) continue;
    if (auto auth = read_entry(auths.data[i + 1].as_node())) return auth;
  }
  return std::nullopt;
}

}  // namespace tiphys::kubelet
