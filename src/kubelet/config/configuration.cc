#include "kubelet/config/configuration.h"

#include <array>

#include "base/strings.h"
#include "codec/codec.h"
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

bool is_json(std::string_view text) { return trim(text).starts_with("{"); }

// Strictly, without defaults.
Result<Draft> decode(std::string_view text) {
  codec::DecodeNotes notes;
  codec::Format format = is_json(text) ? codec::Format::kJson : codec::Format::kYaml;
  TIPHYS_TRY(Draft, draft,
             codec::decode_object_of(configuration_scheme(), format, text, nullptr, &notes));
  if (!notes.problems.empty()) {
    return ApiStatus::bad_request("strict decoding error: " + join(notes.problems, ", "));
  }
  return draft;
}

// One file as JSON values. Requires: it was decoded before.
Result<Value> values_of(std::string_view text, Arena& arena) {
  if (is_json(text)) return codec::decode_json_any(text, arena);
  TIPHYS_TRY(std::string, json, codec::yaml_to_json(text));
  return codec::decode_json_any(json, arena);
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

// RFC 7386.
Value merged(Arena& arena, Value base, const Value& patch) {
  if (patch.type != ValueType::kMap) return arena.clone(patch);
  if (base.type != ValueType::kMap) base = arena.make(ValueType::kMap);
  std::span<const Value> items = patch.node->items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    std::string_view key = items[i].as_text();
    Value with =
        items[i + 1].is_null() ? Value() : merged(arena, base.node->find(key), items[i + 1]);
    set_entry(arena, *base.node, key, with);
  }
  return base;
}

// Maps that a flag gives whole.
constexpr std::array<std::string_view, 9> kWholeMaps = {
    "evictionHard",           "evictionSoft", "evictionSoftGracePeriod",
    "evictionMinimumReclaim", "qosReserved",  "cpuManagerPolicyOptions",
    "systemReserved",         "kubeReserved", "topologyManagerPolicyOptions"};

Result<void> lay_over(Arena& arena, Value& base, std::string_view overlay) {
  if (overlay.empty()) return {};
  TIPHYS_TRY(Value, fields, codec::decode_json_any(overlay, arena));
  for (std::string_view map : kWholeMaps) {
    if (!fields.as_node().find(map).is_null()) set_entry(arena, *base.node, map, Value());
  }
  base = merged(arena, base, fields);
  return {};
}

Result<void> check_size(std::string_view text) {
  if (text.size() <= Configuration::kMaxBytes) return {};
  return ApiStatus::bad_request("the configuration is larger than " +
                                std::to_string(Configuration::kMaxBytes) + " bytes");
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
    if (Result<void> fits = check_size(file.text); !fits) return fits.error();
    if (Result<Draft> alone = decode(file.text); !alone) return alone.error();
    TIPHYS_TRY(Value, values, values_of(file.text, arena));
    for (std::string_view path : kPaths) make_absolute(arena, values, path, file.folder);
    all = merged(arena, all, values);
  }
  if (Result<void> laid = lay_over(arena, all, overlay); !laid) return laid.error();
  std::string text;
  codec::encode_json_any(all, text);
  TIPHYS_TRY(Draft, draft, decode(text));
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
