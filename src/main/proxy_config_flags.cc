#include "main/proxy_config_flags.h"

#include "base/log.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "main/config_overlay.h"
#include "os/files.h"
#include "proxy/address.h"

namespace tiphys {
namespace {

enum class Type { kString, kBool, kInt, kFloat, kDuration, kList };

}  // namespace

struct ProxyConfigRow {
  const char* flag;
  const char* path;
  Type type;
  const char* usage;
  // Of an address: upstream's deprecated flag of its port, and the usual one.
  const char* port_flag = nullptr;
  int64_t port = 0;
  const char* also = nullptr;  // another field that it stands for
};

namespace {

constexpr ProxyConfigRow kRows[] = {
    {"kubeconfig", "clientConnection.kubeconfig", Type::kString,
     "How to reach the API server, and as whom (\"\": as a pod does)"},
    {"kube-api-content-type", "clientConnection.contentType", Type::kString,
     "Content type of requests to the API server"},
    {"kube-api-qps", "clientConnection.qps", Type::kFloat, "Requests a second"},
    {"kube-api-burst", "clientConnection.burst", Type::kInt, "Requests that may go at once"},
    {"bind-address", "bindAddress", Type::kString,
     "IP family of the node, for the defaults of the two below; nothing is bound to it"},
    {"healthz-bind-address", "healthzBindAddress", Type::kString,
     "Address and port of /healthz and /livez (\"\": none)", "healthz-port", 10256},
    {"metrics-bind-address", "metricsBindAddress", Type::kString,
     "Address and port of /metrics, /configz and /proxyMode (\"\": none)", "metrics-port", 10249},
    {"bind-address-hard-fail", "bindAddressHardFail", Type::kBool,
     "Exit if one of the two can't be had"},
    {"profiling", "enableProfiling", Type::kBool, "Serve profiles: not there"},
    {"show-hidden-metrics-for-version", "showHiddenMetricsForVersion", Type::kString,
     "Version whose hidden metrics are shown: none are hidden"},
    {"proxy-mode", "mode", Type::kString, "nftables or iptables"},
    {"iptables-masquerade-bit", "iptables.masqueradeBit", Type::kInt,
     "Bit of the mark of packets to masquerade, in iptables mode"},
    {"iptables-localhost-nodeports", "iptables.localhostNodePorts", Type::kBool,
     "Node ports on loopback: never"},
    {"iptables-sync-period", "iptables.syncPeriod", Type::kDuration,
     "How often the rules are looked at", nullptr, 0, "nftables.syncPeriod"},
    {"iptables-min-sync-period", "iptables.minSyncPeriod", Type::kDuration,
     "Least time between two changes of the rules", nullptr, 0, "nftables.minSyncPeriod"},
    {"ipvs-sync-period", "ipvs.syncPeriod", Type::kDuration, "Of mode ipvs, which is not here"},
    {"ipvs-min-sync-period", "ipvs.minSyncPeriod", Type::kDuration, "Of mode ipvs"},
    {"ipvs-scheduler", "ipvs.scheduler", Type::kString, "Of mode ipvs"},
    {"ipvs-exclude-cidrs", "ipvs.excludeCIDRs", Type::kList, "Of mode ipvs"},
    {"ipvs-strict-arp", "ipvs.strictARP", Type::kBool, "Of mode ipvs"},
    {"ipvs-tcp-timeout", "ipvs.tcpTimeout", Type::kDuration, "Of mode ipvs"},
    {"ipvs-tcpfin-timeout", "ipvs.tcpFinTimeout", Type::kDuration, "Of mode ipvs"},
    {"ipvs-udp-timeout", "ipvs.udpTimeout", Type::kDuration, "Of mode ipvs"},
    {"detect-local-mode", "detectLocalMode", Type::kString,
     "ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix"},
    {"pod-bridge-interface", "detectLocal.bridgeInterface", Type::kString,
     "Bridge of the pods, for --detect-local-mode=BridgeInterface"},
    {"pod-interface-name-prefix", "detectLocal.interfaceNamePrefix", Type::kString,
     "What names of pods' interfaces begin with, for --detect-local-mode=InterfaceNamePrefix"},
    {"cluster-cidr", "clusterCIDR", Type::kString, "Ranges of the cluster's pods"},
    {"nodeport-addresses", "nodePortAddresses", Type::kList,
     "Ranges of the node's addresses that serve node ports, or primary"},
    {"oom-score-adj", "oomScoreAdj", Type::kInt, "Of this process"},
    {"conntrack-max-per-core", "conntrack.maxPerCore", Type::kInt,
     "Connections to track a core (0: as it is)"},
    {"conntrack-min", "conntrack.min", Type::kInt, "Connections to track at least"},
    {"conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout", Type::kDuration,
     "Idle timeout of TCP connections (0: as it is)"},
    {"conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout", Type::kDuration,
     "Timeout of TCP connections in CLOSE_WAIT (0: as it is)"},
    {"conntrack-tcp-be-liberal", "conntrack.tcpBeLiberal", Type::kBool,
     "Let packets outside of TCP's window pass"},
    {"conntrack-udp-timeout", "conntrack.udpTimeout", Type::kDuration,
     "Idle timeout of UDP without answers (0: as it is)"},
    {"conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout", Type::kDuration,
     "Idle timeout of UDP with answers (0: as it is)"},
    {"log-flush-frequency", "logging.flushFrequency", Type::kDuration,
     "Log lines are written at once: has no effect"},
    {"logging-format", "logging.format", Type::kString, "text"},
    {"config-sync-period", "configSyncPeriod", Type::kDuration,
     "Objects are watched: has no effect"},
};

std::string in_json(const std::string& text) {
  std::string out;
  codec::append_json_string(text, out);
  return out;
}

struct ToJson {
  std::string operator()(const std::string& text) const { return in_json(text); }
  std::string operator()(bool on) const { return on ? "true" : "false"; }
  std::string operator()(int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return std::to_string(number); }
  std::string operator()(Duration span) const { return in_json(format_go_duration(span)); }
  std::string operator()(const std::vector<std::string>& items) const {
    std::vector<std::string> quoted;
    for (const std::string& item : items) quoted.push_back(in_json(item));
    return "[" + join(quoted, ",") + "]";
  }
};

Result<std::string> gates_json(const std::vector<std::string>& gates) {
  std::vector<std::string> fields;
  for (const std::string& gate : gates) {
    size_t at = gate.find('=');
    std::string value = at == std::string::npos ? "" : gate.substr(at + 1);
    if (value != "true" && value != "false") {
      return ApiStatus::bad_request("--feature-gates: missing bool value for " +
                                    gate.substr(0, at));
    }
    fields.push_back(in_json(gate.substr(0, at)) + ":" + value);
  }
  return "{" + join(fields, ",") + "}";
}

}  // namespace

void ProxyConfigFlags::add_to(FlagSet& flags) {
  flags_ = &flags;
  flags.add("config", config_file_,
            "File with a KubeProxyConfiguration; the flags of its fields "
            "are ignored with it");
  flags.add("hostname-override", hostname_override_, "Name of this node (\"\": the host's)");
  flags.add("masquerade-all", masquerade_all_, "Masquerade all traffic to cluster addresses");
  flags.add("feature-gates", gates_, "Feature gates, as name=true,...");
  for (const ProxyConfigRow& row : kRows) {
    Storage empty = row.type == Type::kString     ? Storage(std::string())
                    : row.type == Type::kBool     ? Storage(false)
                    : row.type == Type::kInt      ? Storage(int64_t{0})
                    : row.type == Type::kFloat    ? Storage(0.0)
                    : row.type == Type::kDuration ? Storage(Duration::zero())
                                                  : Storage(std::vector<std::string>());
    Given& given = values_.emplace_back(&row, std::move(empty), row.port);
    std::visit([&](auto& value) { flags.add(row.flag, value, row.usage); }, given.value);
    if (row.port_flag != nullptr) {
      flags.add(row.port_flag, given.port,
                "Port of such an address without one (0: nothing is served; deprecated)");
    }
  }
}

std::string ProxyConfigFlags::json_of(const Given& given) const {
  const char* port = given.row->port_flag;
  if (port == nullptr || !flags_->was_set(port)) return std::visit(ToJson(), given.value);
  const std::string& text = std::get<std::string>(given.value);
  auto address = proxy::Address::parse(text);
  if (!address) return in_json(text);
  bool v6 = address->family() == proxy::Family::kIpv6;
  return in_json((v6 ? "[" + text + "]" : text) + ":" + std::to_string(given.port));
}

Result<std::string> ProxyConfigFlags::overlay() const {
  Arena arena;
  Value all = arena.make(ValueType::kMap);
  auto put = [&](std::string_view path, const std::string& json) -> Result<void> {
    TIPHYS_TRY(Value, value, codec::decode_json_any(json, arena));
    put_path(arena, all.node, path, value);
    return {};
  };
  for (const Given& given : values_) {
    if (!flags_->was_set(given.row->flag)) continue;
    for (const char* path : {given.row->path, given.row->also}) {
      Result<void> done = path == nullptr ? Result<void>() : put(path, json_of(given));
      if (!done) return done.error();
    }
  }
  // One flag for the mode that it is, as upstream.
  for (const char* path : {"iptables.masqueradeAll", "nftables.masqueradeAll"}) {
    Result<void> done = masquerade_all_ ? put(path, "true") : Result<void>();
    if (!done) return done.error();
  }
  if (!gates_.empty()) {
    TIPHYS_TRY(std::string, gates, gates_json(gates_));
    Result<void> done = put("featureGates", gates);
    if (!done) return done.error();
  }
  std::string out;
  codec::encode_json_any(all, out);
  return out;
}

void ProxyConfigFlags::tell_ignored() const {
  std::vector<std::string> ignored;
  for (const Given& given : values_) {
    if (flags_->was_set(given.row->flag)) ignored.push_back("--" + std::string(given.row->flag));
  }
  for (const char* flag : {"feature-gates", "masquerade-all"}) {
    if (flags_->was_set(flag)) ignored.push_back("--" + std::string(flag));
  }
  if (ignored.empty()) return;
  LOG_WARNING("Flags are ignored, as --config is given", {"flags", join(ignored, ", ")});
}

void ProxyConfigFlags::tell_deprecated() const {
  for (const Given& given : values_) {
    const char* flag = given.row->port_flag;
    if (flag == nullptr || !flags_->was_set(flag)) continue;
    LOG_WARNING("Flag --" + std::string(flag) + " has been deprecated, please use --" +
                given.row->flag + " instead");
  }
}

Result<proxy::Configuration> ProxyConfigFlags::configuration() const {
  tell_deprecated();
  std::string text, fields;
  if (config_file_.empty()) {
    TIPHYS_TRY(std::string, given, overlay());
    fields = std::move(given);
  } else {
    tell_ignored();
    TIPHYS_TRY(std::string, read, os::read_file(config_file_));
    text = std::move(read);
    if (trim(text).empty()) return ApiStatus::bad_request(config_file_ + ": the file is empty");
  }
  TIPHYS_TRY(proxy::Configuration, config, proxy::Configuration::parse(text, fields));
  Result<void> valid = config.validate();
  if (!valid) return valid.error();
  return config;
}

std::string ProxyConfigFlags::hostname(const proxy::Configuration& config) const {
  return hostname_override_.empty() ? std::string(config.view().hostname_override())
                                    : hostname_override_;
}

bool ProxyConfigFlags::serves(std::string_view path) const {
  for (const Given& given : values_) {
    if (given.row->path != path || !config_file_.empty()) continue;
    bool none = flags_->was_set(given.row->flag) && std::get<std::string>(given.value).empty();
    return !none && given.port != 0;
  }
  return true;
}
bool ProxyConfigFlags::no_healthz() const { return !serves("healthzBindAddress"); }
bool ProxyConfigFlags::no_metrics() const { return !serves("metricsBindAddress"); }

}  // namespace tiphys
