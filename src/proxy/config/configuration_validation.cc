#include "proxy/config/configuration_validation.h"

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "base/time.h"
#include "kinds/feature_gates.h"
#include "object/selector.h"
#include "proxy/address.h"

namespace tiphys::proxy {
namespace {

using namespace kubeproxy_v1alpha1;

constexpr std::string_view kLocalModes[] = {"ClusterCIDR", "NodeCIDR", "BridgeInterface",
                                            "InterfaceNamePrefix", ""};

class Problems {
 public:
  // "KubeProxyConfiguration.path: Invalid value: value: detail"; value as JSON.
  void invalid(std::string_view path, std::string_view value, std::string_view detail) {
    list_.push_back("KubeProxyConfiguration." + std::string(path) +
                    ": Invalid value: " + std::string(value) + ": " + std::string(detail));
  }
  void text(std::string_view path, std::string_view value, std::string_view detail) {
    invalid(path, go_quote(value), detail);
  }
  void add(std::string text) { list_.push_back(std::move(text)); }
  // Numbers within [low, high].
  void range(std::string_view path, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return;
    invalid(path, std::to_string(value),
            "must be within the range [" + std::to_string(low) + ", " + std::to_string(high) + "]");
  }
  void not_negative(std::string_view path, int64_t value) {
    if (value < 0) invalid(path, std::to_string(value), "must be greater than or equal to 0");
  }
  void span_not_negative(std::string_view path, int64_t nanoseconds) {
    if (nanoseconds < 0) {
      invalid(path, span(nanoseconds), "must be greater than or equal to 0");
    }
  }
  static std::string span(int64_t nanoseconds) {
    return go_quote(format_go_duration(Duration(nanoseconds)));
  }
  Result<void> result() const {
    if (list_.empty()) return {};
    if (list_.size() == 1) return ApiStatus::bad_request(list_[0]);
    return ApiStatus::bad_request("[" + join(list_, ", ") + "]");
  }

 private:
  std::vector<std::string> list_;
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// {host, port} as they stand; nothing: it is no such pair.
std::optional<std::pair<std::string, std::string>> split_host_port(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  return std::pair(std::string(host), std::string(port));
}

void check_host_port(std::string_view path, std::string_view text, Problems& problems) {
  auto parts = split_host_port(text);
  if (!parts) return problems.text(path, text, "must be IP:port");
  if (!Address::parse(parts->first)) problems.text(path, parts->first, "must be a valid IP");
  std::optional<int> port = number(parts->second);
  if (!port || *port < 1 || *port > 65535) {
    problems.text(path, parts->second, "must be a valid port");
  }
}

void check_gates(const KubeProxyConfiguration& c, Problems& problems) {
  for (auto [name, on] : c.feature_gates()) {
    Result<void> known = check_feature_gate(name, on);
    if (known) continue;
    std::string value = "{" + go_quote(name) + ":" + (on ? "true" : "false") + "}";
    problems.invalid("featureGates", value, known.error().message());
  }
}

void check_periods(const KubeProxyConfiguration& c, Problems& problems) {
  if (c.config_sync_period() <= 0) {
    problems.invalid("ConfigSyncPeriod", Problems::span(c.config_sync_period()),
                     "must be greater than 0");
  }
  bool iptables = c.mode() == "iptables", ipvs = c.mode() == "ipvs";
  int64_t period = iptables ? c.iptables().sync_period()
                   : ipvs   ? c.ipvs().sync_period()
                            : c.nftables().sync_period();
  int64_t least = iptables ? c.iptables().min_sync_period()
                  : ipvs   ? c.ipvs().min_sync_period()
                           : c.nftables().min_sync_period();
  if (period <= 0) problems.invalid("SyncPeriod", Problems::span(period), "must be greater than 0");
  problems.span_not_negative("MinSyncPeriod", least);
  if (least > period) {
    problems.invalid("SyncPeriod", Problems::span(least),
                     "must be greater than or equal to KubeProxyConfiguration.MinSyncPeriod");
  }
}

void check_conntrack(const KubeProxyConntrackConfiguration& c, Problems& problems) {
  const std::string path = "KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.";
  problems.not_negative(path + "MaxPerCore", c.max_per_core());
  problems.not_negative(path + "Min", c.min());
  problems.span_not_negative(path + "TCPEstablishedTimeout", c.tcp_established_timeout());
  problems.span_not_negative(path + "TCPCloseWaitTimeout", c.tcp_close_wait_timeout());
  problems.span_not_negative(path + "UDPTimeout", c.udp_timeout());
  problems.span_not_negative(path + "UDPStreamTimeout", c.udp_stream_timeout());
}

void check_mode(const KubeProxyConfiguration& c, Problems& problems) {
  std::string_view mode = c.mode();
  if (mode == "iptables" || mode == "ipvs" || mode == "nftables") return;
  problems.text("Mode.ProxyMode", mode,
                "must be iptables, ipvs, nftables or blank (blank means the best-available proxy "
                "[currently iptables])");
}

void check_port_range(std::string_view text, Problems& problems) {
  if (trim(text).empty()) return;
  size_t at = text.find_first_of("-+");
  std::optional<int> low = number(trim(text.substr(0, at))), high = low;
  if (at != std::string_view::npos) high = number(trim(text.substr(at + 1)));
  bool right = low && high && *low >= 0 && *high >= 0;
  if (right && at != std::string_view::npos && text[at] == '+') *high += *low;
  if (right && *low <= 65535 && *high <= 65535 && *low <= *high) return;
  problems.text("PortRange", text, "must be a valid port range (e.g. 300-2000)");
}

void check_node_port_addresses(const KubeProxyConfiguration& c, Problems& problems) {
  ListView<std::string_view> list = c.node_port_addresses();
  for (size_t i = 0; i < list.size(); ++i) {
    std::string path = "NodePortAddresses[" + std::to_string(i) + "]";
    if (list[i] == "primary") {
      if (list.size() != 1) {
        problems.text(path, list[i], "can't use both 'primary' and CIDRs");
      }
      return;
    }
    if (!Cidr::parse(list[i])) problems.text(path, list[i], "must be a valid CIDR");
  }
}

void check_cluster_cidrs(std::string_view given, Problems& problems) {
  if (given.empty()) return;
  const std::string path = "DetectLocalConfiguration.ClusterCIDRs";
  constexpr std::string_view kPair =
      "must be a either a single CIDR or dual-stack pair of CIDRs (e.g. [10.100.0.0/16, "
      "fde4:8dba:82e1::/48]";
  std::vector<std::string_view> texts = split(given, ',');
  std::vector<std::string> quoted;
  for (std::string_view text : texts) quoted.push_back(go_quote(text));
  std::string whole = "[" + join(quoted, ",") + "]";
  if (texts.size() > 2) return problems.invalid(path, whole, kPair);
  std::vector<Cidr> ranges;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (std::optional<Cidr> range = Cidr::parse(texts[i])) {
      ranges.push_back(*range);
    } else {
      problems.text(path + "[" + std::to_string(i) + "]", texts[i],
                    "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)");
    }
  }
  if (ranges.size() == 2 && ranges[0].family() == ranges[1].family()) {
    problems.invalid(path, whole, kPair);
  }
}

void check_local(const KubeProxyConfiguration& c, Problems& problems) {
  std::string_view mode = c.detect_local_mode();
  if (std::ranges::find(kLocalModes, mode) == std::end(kLocalModes)) {
    std::vector<std::string> known;
    for (std::string_view one : kLocalModes) known.push_back(go_quote(one));
    problems.add("KubeProxyConfiguration.DetectLocalMode: Unsupported value: " + go_quote(mode) +
                 ": supported values: " + join(known, ", "));
  }
  const DetectLocalConfiguration& local = c.detect_local();
  if (mode == "BridgeInterface" && local.bridge_interface().empty()) {
    problems.text("DetectLocalConfiguration.InterfaceName", "", "must not be empty");
  }
  if (mode == "InterfaceNamePrefix" && local.interface_name_prefix().empty()) {
    problems.text("DetectLocalConfiguration.InterfacePrefix", "", "must not be empty");
  }
  if (mode == "ClusterCIDR") check_cluster_cidrs(c.cluster_cidr(), problems);
}

}  // namespace

Result<void> validate_configuration(const KubeProxyConfiguration& c) {
  Problems problems;
  check_gates(c, problems);
  problems.range("KubeProxyIPTablesConfiguration.MasqueradeBit", c.iptables().masquerade_bit(), 0,
                 31);
  if (c.mode() == "nftables") {
    problems.range("KubeProxyNFTablesConfiguration.MasqueradeBit", c.nftables().masquerade_bit(), 0,
                   31);
  }
  check_conntrack(c.conntrack(), problems);
  problems.range("KubeProxyLinuxConfiguration.OOMScoreAdj", c.oom_score_adj(), -1000, 1000);
  check_mode(c, problems);
  problems.not_negative("ClientConnection.Burst", c.client_connection().burst());
  check_periods(c, problems);
  if (!Address::parse(c.bind_address())) {
    problems.text("BindAddress", c.bind_address(),
                  "not a valid textual representation of an IP address");
  }
  check_host_port("HealthzBindAddress", c.healthz_bind_address(), problems);
  check_host_port("MetricsBindAddress", c.metrics_bind_address(), problems);
  check_port_range(c.port_range(), problems);
  check_node_port_addresses(c, problems);
  check_local(c, problems);
  return problems.result();
}

std::optional<HostPort> host_port(std::string_view text) {
  auto parts = split_host_port(text);
  if (!parts) return std::nullopt;
  return HostPort{parts->first, static_cast<uint16_t>(number(parts->second).value_or(0))};
}

}  // namespace tiphys::proxy
