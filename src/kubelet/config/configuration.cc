#include "kubelet/config/configuration.h"

#include <array>

#include "base/strings.h"
#include "codec/configuration_file.h"
#include "kubelet/config/configuration_defaults.h"
#include "kubelet/config/configuration_validation.h"

namespace tiphys::kubelet {
namespace {

using kubelet_v1beta1::KubeletConfiguration;
using kubelet_v1beta1::KubeletConfigurationEdit;

const schema::Kind& configuration_kind() {
  static const schema::Kind kKind{
      .gvk = {"kubelet.config.k8s.io", "v1beta1", "KubeletConfiguration"},
      .message = &KubeletConfiguration::message_type()};
  return kKind;
}

const codec::Scheme& configuration_scheme() {
  static const codec::Scheme kScheme{{&configuration_kind(), 1},
                                     "pkg/kubelet/apis/config/scheme/scheme.go:33"};
  return kScheme;
}

constexpr std::string_view kPaths[] = {"staticPodPath", "authentication.x509.clientCAFile",
                                       "tlsCertFile",   "tlsPrivateKeyFile",
                                       "resolvConf",    "volumePluginDir"};

void make_absolute(Arena& arena, const Value& fields, std::string_view path,
                   const std::string& folder) {
  Node* node = fields.node;
  std::vector<std::string_view> parts = split(path, '.');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const Value& next = node->find(parts[i]);
    if (next.type != ValueType::kMap) return;
    node = next.node;
  }
  std::string_view text = node->find(parts.back()).as_text();
  if (text.empty() || text.starts_with('/')) return;
  set_entry(arena, *node, parts.back(), arena.string(folder + "/" + std::string(text)));
}

// Maps that a flag gives whole.
constexpr std::array<std::string_view, 9> kWholeMaps = {
    "evictionHard",           "evictionSoft", "evictionSoftGracePeriod",
    "evictionMinimumReclaim", "qosReserved",  "cpuManagerPolicyOptions",
    "systemReserved",         "kubeReserved", "topologyManagerPolicyOptions"};

Result<void> lay_flags_over(Arena& arena, Value& base, std::string_view overlay) {
  if (overlay.empty()) return {};
  TIPHYS_TRY(Value, fields, codec::decode_json_any(overlay, arena));
  for (std::string_view map : kWholeMaps) {
    if (!fields.as_node().find(map).is_null()) set_entry(arena, *base.node, map, Value());
  }
  base = codec::lay_over(arena, base, fields);
  return {};
}

}  // namespace

Configuration Configuration::defaults() {
  const schema::Kind& kind = configuration_kind();
  Draft draft(*kind.message, &kind.gvk);
  apply_configuration_defaults(draft);
  return Configuration(std::move(draft));
}

Result<Configuration> Configuration::parse(const std::vector<ConfigurationFile>& files,
                                           std::string_view overlay) {
  Arena arena;
  Value all = arena.make(ValueType::kMap);
  set_entry(arena, *all.node, "apiVersion", arena.string(kApiVersion));
  set_entry(arena, *all.node, "kind", arena.string("KubeletConfiguration"));
  for (const ConfigurationFile& file : files) {
    Result<Draft> alone = codec::decode_configuration(configuration_scheme(), file.text);
    if (!alone) return alone.error();
    TIPHYS_TRY(Value, values, codec::configuration_values(file.text, arena));
    for (std::string_view path : kPaths) make_absolute(arena, values, path, file.folder);
    all = codec::lay_over(arena, all, values);
  }
  if (Result<void> laid = lay_flags_over(arena, all, overlay); !laid) return laid.error();
  std::string text;
  codec::encode_json_any(all, text);
  TIPHYS_TRY(Draft, draft, codec::decode_configuration(configuration_scheme(), text));
  apply_configuration_defaults(draft);
  return Configuration(std::move(draft));
}

KubeletConfiguration Configuration::view() const { return KubeletConfiguration(draft_); }
KubeletConfigurationEdit Configuration::edit() { return KubeletConfigurationEdit(draft_); }

Result<void> Configuration::validate(bool cgroup_v2) const {
  return validate_configuration(view(), cgroup_v2);
}

std::string Configuration::json() const {
  std::string text;
  codec::encode_json(draft_.type(), draft_.root(), text);
  return text;
}

}  // namespace tiphys::kubelet
