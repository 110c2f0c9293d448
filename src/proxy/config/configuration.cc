#include "proxy/config/configuration.h"

#include <cassert>

#include "codec/configuration_file.h"
#include "proxy/address.h"
#include "proxy/config/configuration_validation.h"

namespace tiphys::proxy {
namespace {

using kubeproxy_v1alpha1::KubeProxyConfiguration;
using kubeproxy_v1alpha1::KubeProxyConfigurationEdit;

constexpr std::string_view kDefaults = R"({
  "clientConnection": {"contentType": "application/vnd.kubernetes.protobuf", "qps": 5, "burst": 10},
  "bindAddress": "0.0.0.0",
  "mode": "nftables",
  "iptables": {"masqueradeBit": 14, "localhostNodePorts": false, "syncPeriod": "30s"},
  "ipvs": {"syncPeriod": "30s"},
  "nftables": {"masqueradeBit": 14, "syncPeriod": "30s"},
  "detectLocalMode": "ClusterCIDR",
  "oomScoreAdj": -999,
  "conntrack": {"maxPerCore": 32768, "min": 131072, "tcpEstablishedTimeout": "24h0m0s",
                "tcpCloseWaitTimeout": "1h0m0s"},
  "configSyncPeriod": "15m0s",
  "logging": {"format": "text", "flushFrequency": "5s",
              "options": {"text": {"infoBufferSize": "0"}, "json": {"infoBufferSize": "0"}}}
})";

const schema::Kind& configuration_kind() {
  static const schema::Kind kKind{
      .gvk = {"kubeproxy.config.k8s.io", "v1alpha1", "KubeProxyConfiguration"},
      .message = &KubeProxyConfiguration::message_type()};
  return kKind;
}

const codec::Scheme& configuration_scheme() {
  static const codec::Scheme kScheme{{&configuration_kind(), 1},
                                     "pkg/proxy/apis/config/scheme/scheme.go:30"};
  return kScheme;
}

void fill_absent(Arena& arena, Node& node, const Node& defaults) {
  for (const Value& value : defaults.items()) {
    const Value& present = node.field(value.field);
    if (present.type == ValueType::kStruct) {
      fill_absent(arena, *present.node, *value.node);
    } else if (present.is_null()) {
      set_field(arena, node, value.field, arena.clone(value));
    }
  }
}

// Durations and texts that are no pointers: zero is absent.
void drop_zeros(KubeProxyConfigurationEdit e) {
  KubeProxyConfiguration c = e.view();
  if (c.config_sync_period() == 0) e.clear_config_sync_period();
  if (c.bind_address().empty()) e.clear_bind_address();
  if (c.mode().empty()) e.clear_mode();
  if (c.detect_local_mode().empty()) e.clear_detect_local_mode();
  if (c.iptables().sync_period() == 0) e.edit_iptables().clear_sync_period();
  if (c.nftables().sync_period() == 0) e.edit_nftables().clear_sync_period();
  if (c.ipvs().sync_period() == 0) e.edit_ipvs().clear_sync_period();
  if (c.client_connection().content_type().empty()) {
    e.edit_client_connection().clear_content_type();
  }
}

// An address without a port gets the usual one.
std::string with_port(std::string_view given, std::string_view host, int port) {
  std::string number = ":" + std::to_string(port);
  if (given.empty()) return std::string(host) + number;
  std::optional<Address> alone = Address::parse(given);
  if (!alone) return std::string(given);
  return alone->family() == Family::kIpv4 ? std::string(given) + number
                                          : "[" + std::string(given) + "]" + number;
}

void apply_defaults(Draft& draft) {
  KubeProxyConfigurationEdit e(draft);
  drop_zeros(e);
  Arena arena;
  Result<Node*> defaults =
      codec::decode_json(kDefaults, KubeProxyConfiguration::message_type(), arena, nullptr);
  assert(defaults);
  fill_absent(draft.arena(), draft.root(), **defaults);
  KubeProxyConfiguration c = e.view();
  bool v6 = c.bind_address().find(':') != std::string_view::npos;
  e.set_healthz_bind_address(with_port(c.healthz_bind_address(), v6 ? "[::]" : "0.0.0.0", 10256));
  e.set_metrics_bind_address(
      with_port(c.metrics_bind_address(), v6 ? "[::1]" : "127.0.0.1", 10249));
  // Upstream's platformApplyDefaults.
  if (c.mode() == "nftables" && c.node_port_addresses().empty()) {
    e.edit_node_port_addresses().append("primary");
  }
}

// The document with the overlay's fields, as JSON.
Result<std::string> laid_over(std::string_view text, std::string_view overlay) {
  Arena arena;
  TIPHYS_TRY(Value, base, codec::configuration_values(text, arena));
  TIPHYS_TRY(Value, fields, codec::decode_json_any(overlay, arena));
  std::string out;
  codec::encode_json_any(codec::lay_over(arena, base, fields), out);
  return out;
}

}  // namespace

Result<Configuration> Configuration::parse(std::string_view given, std::string_view overlay) {
  std::string text(given);
  if (text.empty()) {
    text =
        R"({"apiVersion":")" + std::string(kApiVersion) + R"(","kind":"KubeProxyConfiguration"})";
  }
  TIPHYS_TRY(Draft, draft, codec::decode_configuration(configuration_scheme(), text));
  if (!overlay.empty()) {
    TIPHYS_TRY(std::string, whole, laid_over(text, overlay));
    TIPHYS_TRY(Draft, again, codec::decode_configuration(configuration_scheme(), whole));
    draft = std::move(again);
  }
  apply_defaults(draft);
  return Configuration(std::move(draft));
}

KubeProxyConfiguration Configuration::view() const { return KubeProxyConfiguration(draft_); }
Result<void> Configuration::validate() const { return validate_configuration(view()); }

std::string Configuration::json() const {
  std::string text;
  codec::encode_json(draft_.type(), draft_.root(), text);
  return text;
}

std::string Configuration::yaml() const {
  std::string text;
  codec::encode_object(codec::Format::kYaml, draft_.type(), draft_.root(),
                       &configuration_kind().gvk, text);
  return text;
}

}  // namespace tiphys::proxy
