#include "proxy/config/configuration_options.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/feature_gates.h"
#include "os/files.h"

namespace tiphys::proxy {
namespace {

using namespace kubeproxy_v1alpha1;

constexpr size_t kMaxInterfaceName = 15;  // IFNAMSIZ, less the end

class Unsupported {
 public:
  void add_if(bool wrong, std::string_view path, const std::string& value, std::string_view why) {
    if (!wrong) return;
    list_.push_back(std::string(path) + ": " + value +
                    " is not supported by this kube-proxy: " + std::string(why));
  }
  void text(bool wrong, std::string_view path, std::string_view value, std::string_view why) {
    add_if(wrong, path, go_quote(value), why);
  }
  Result<void> result() const {
    if (list_.empty()) return {};
    return ApiStatus::bad_request(list_.size() == 1 ? list_[0] : "[" + join(list_, ", ") + "]");
  }

 private:
  std::vector<std::string> list_;
};

bool is_interface(std::string_view name) {
  return name.size() <= kMaxInterfaceName && std::ranges::all_of(name, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
         });
}

void check_logging(const LoggingConfiguration& logging, Unsupported& problems) {
  constexpr std::string_view kPlain = "the log is text on standard error";
  problems.text(logging.format() != "text", "logging.format", logging.format(), kPlain);
  problems.add_if(logging.vmodule().size() != 0, "logging.vmodule", "a list", kPlain);
  problems.add_if(logging.options().text().split_stream(), "logging.options.text.splitStream",
                  "true", kPlain);
}

void check_gates(const MapView<bool>& gates, Unsupported& problems) {
  for (auto [name, on] : gates) {
    problems.add_if(on != find_feature_gate(name)->on, "featureGates." + std::string(name),
                    on ? "true" : "false", "it behaves as by default");
  }
}

Result<void> check_support(const KubeProxyConfiguration& c) {
  Unsupported problems;
  check_gates(c.feature_gates(), problems);
  check_logging(c.logging(), problems);
  problems.text(c.mode() == "ipvs", "mode", c.mode(), "nftables and iptables are");
  problems.add_if(c.iptables().localhost_node_ports(), "iptables.localhostNodePorts", "true",
                  "node ports are never served on loopback (CVE-2020-8558)");
  problems.add_if(c.enable_profiling(), "enableProfiling", "true", "there is no profiling");
  problems.text(!c.show_hidden_metrics_for_version().empty(), "showHiddenMetricsForVersion",
                c.show_hidden_metrics_for_version(), "no metrics are hidden");
  problems.add_if(c.windows_run_as_service(), "windowsRunAsService", "true", "this is Linux");
  std::string_view content = c.client_connection().content_type();
  problems.text(content != "application/json" && content != "application/vnd.kubernetes.protobuf",
                "clientConnection.contentType", content, "JSON and protobuf are");
  problems.text(!is_interface(c.detect_local().bridge_interface()), "detectLocal.bridgeInterface",
                c.detect_local().bridge_interface(), "it is no name of an interface");
  problems.text(!is_interface(c.detect_local().interface_name_prefix()),
                "detectLocal.interfaceNamePrefix", c.detect_local().interface_name_prefix(),
                "it is no name of an interface");
  return problems.result();
}

void set_local(const KubeProxyConfiguration& c, Proxier::Options& to) {
  std::string_view mode = c.detect_local_mode();
  to.local_by_node_cidr = mode == "NodeCIDR";
  if (mode == "BridgeInterface") to.settings.local_interface = c.detect_local().bridge_interface();
  if (mode == "InterfaceNamePrefix") {
    to.settings.local_interface = std::string(c.detect_local().interface_name_prefix()) + "+";
  }
  if (mode != "ClusterCIDR" || c.cluster_cidr().empty()) return;
  for (std::string_view text : split(c.cluster_cidr(), ',')) {
    if (auto range = Cidr::parse(text)) to.settings.cluster_cidrs.push_back(*range);
  }
}

// All addresses of both families: no ranges at all, as then addresses that come later count.
bool is_everything(const std::vector<Cidr>& ranges) {
  return std::ranges::all_of(std::array{Family::kIpv4, Family::kIpv6}, [&ranges](Family family) {
    return std::ranges::any_of(ranges, [family](const Cidr& range) {
      return range.family() == family && range.bits == 0;
    });
  });
}

template <class Section>
void set_mode(const Section& section, Proxier::Options& to) {
  to.settings.mark_bit = uint32_t{1} << section.masquerade_bit();
  to.settings.masquerade_all = section.masquerade_all();
  to.check_period = Duration(section.sync_period());
  if (section.min_sync_period() > 0) to.min_sync = Duration(section.min_sync_period());
}

}  // namespace

Result<Proxier::Options> proxier_options(const Configuration& config, Proxier::Options base) {
  KubeProxyConfiguration c = config.view();
  Result<void> supported = check_support(c);
  if (!supported) return supported.error();
  if (c.mode() == "iptables") {
    base.mode = Mode::kIptables;
    set_mode(c.iptables(), base);
  } else {
    set_mode(c.nftables(), base);
  }
  set_local(c, base);
  for (std::string_view text : c.node_port_addresses()) {
    if (text == "primary") {
      base.node_ports_on_primary = true;
    } else if (auto range = Cidr::parse(text)) {
      base.settings.node_port_cidrs.push_back(*range);
    }
  }
  if (is_everything(base.settings.node_port_cidrs)) base.settings.node_port_cidrs.clear();
  return base;
}

std::vector<ConntrackSetting> conntrack_settings(const Configuration& config, int cores) {
  KubeProxyConntrackConfiguration c = config.view().conntrack();
  constexpr int64_t kSecond = 1'000'000'000;
  std::vector<ConntrackSetting> all;
  if (c.max_per_core() > 0) {
    int64_t scaled = static_cast<int64_t>(c.max_per_core()) * cores;
    all.push_back({"nf_conntrack_max", std::max<int64_t>(scaled, c.min())});
  }
  all.push_back({"nf_conntrack_tcp_timeout_established", c.tcp_established_timeout() / kSecond});
  all.push_back({"nf_conntrack_tcp_timeout_close_wait", c.tcp_close_wait_timeout() / kSecond});
  all.push_back({"nf_conntrack_tcp_be_liberal", c.tcp_be_liberal() ? 1 : 0});
  all.push_back({"nf_conntrack_udp_timeout", c.udp_timeout() / kSecond});
  all.push_back({"nf_conntrack_udp_timeout_stream", c.udp_stream_timeout() / kSecond});
  std::erase_if(all, [](const ConntrackSetting& setting) { return setting.value <= 0; });
  return all;
}

void apply_conntrack_settings(const std::vector<ConntrackSetting>& settings) {
  for (const ConntrackSetting& setting : settings) {
    std::string path = "/proc/sys/net/netfilter/" + std::string(setting.name);
    Result<std::string> now = os::read_file(path, 64);
    std::string value = std::to_string(setting.value);
    if (now && trim(*now) == value) continue;
    Result<void> written = os::write_file(path, value);
    if (!written) LOG_WARNING("Can't change connection tracking", {"err", written.error()});
  }
}

}  // namespace tiphys::proxy
