#include "client/kubeconfig.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "os/files.h"

namespace tiphys::client {
namespace {

constexpr size_t kMaxCredentialBytes = 1 << 20;

ApiStatus invalid(std::string_view why) {
  return ApiStatus::internal("invalid configuration: " + std::string(why));
}

std::string_view text_of(const Value& map, std::string_view key) {
  return map.as_node().find(key).as_text();
}

// The struct called `inner` of the item called `name` in the list `list`, or null.
const Value& named(const Value& root, std::string_view list, std::string_view inner,
                   std::string_view name) {
  const Value& items = root.as_node().find(list);
  if (items.type != ValueType::kList) return kNullValue;
  for (const Value& item : items.as_node().items()) {
    if (item.type != ValueType::kMap || text_of(item, "name") != name) continue;
    return item.as_node().find(inner);
  }
  return kNullValue;
}

std::string absolute(std::string_view path, const std::string& directory) {
  if (path.starts_with('/') || directory.empty()) return std::string(path);
  return directory + "/" + std::string(path);
}

// What `key`-data holds, or the file that `key` names; "" if neither is set.
Result<std::string> data_or_file(const Value& map, const std::string& key,
                                 const std::string& directory) {
  std::string_view data = text_of(map, key + "-data");
  if (!data.empty()) {
    auto bytes = base64_decode(data);
    if (!bytes) return invalid(key + "-data is not base64");
    return std::move(*bytes);
  }
  std::string_view path = text_of(map, key);
  if (path.empty()) return std::string();
  return os::read_file(absolute(path, directory), kMaxCredentialBytes);
}

Result<void> read_cluster(const Value& cluster, const std::string& directory, Kubeconfig& out) {
  out.server = text_of(cluster, "server");
  if (out.server.empty()) return invalid("no server found for cluster");
  out.tls_server_name = text_of(cluster, "tls-server-name");
  out.proxy_url = text_of(cluster, "proxy-url");
  out.tls.insecure_skip_verify = cluster.as_node().find("insecure-skip-tls-verify").as_bool();
  TIPHYS_TRY(std::string, ca, data_or_file(cluster, "certificate-authority", directory));
  if (!ca.empty() && out.tls.insecure_skip_verify) {
    return invalid("specifying a root certificates file with the insecure flag is not allowed");
  }
  out.tls.ca_pem = std::move(ca);
  return {};
}

void read_impersonation(const Value& user, Kubeconfig& out) {
  out.as_user = text_of(user, "as");
  out.as_uid = text_of(user, "as-uid");
  const Value& groups = user.as_node().find("as-groups");
  if (groups.type == ValueType::kList) {
    for (const Value& group : groups.as_node().items()) out.as_groups.emplace_back(group.as_text());
  }
  const Value& extra = user.as_node().find("as-user-extra");
  if (extra.type != ValueType::kMap) return;
  for (uint32_t i = 0; i < extra.as_node().entries(); i++) {
    const Value* entry = extra.as_node().data + 2 * i;
    auto& values = out.as_extra[std::string(entry[0].as_text())];
    if (entry[1].type != ValueType::kList) continue;
    for (const Value& value : entry[1].as_node().items()) values.emplace_back(value.as_text());
  }
}

Result<void> read_user(const Value& user, const std::string& directory, Kubeconfig& out) {
  for (std::string_view plugin : {"exec", "auth-provider"}) {
    if (!user.as_node().find(plugin).is_null()) {
      return invalid("credential plugins (" + std::string(plugin) + ") are not supported");
    }
  }
  TIPHYS_TRY(std::string, certificate, data_or_file(user, "client-certificate", directory));
  TIPHYS_TRY(std::string, key, data_or_file(user, "client-key", directory));
  if (certificate.empty() != key.empty()) {
    return invalid("client-certificate and client-key must be given together");
  }
  out.tls.certificate_pem = std::move(certificate);
  out.tls.key_pem = std::move(key);
  out.token = text_of(user, "token");
  std::string_view token_file = text_of(user, "tokenFile");
  if (!token_file.empty()) {
    out.token_file = absolute(token_file, directory);
    TIPHYS_TRY(std::string, token, os::read_file(out.token_file, kMaxCredentialBytes));
    out.token = trim(token);
  }
  out.username = text_of(user, "username");
  out.password = text_of(user, "password");
  read_impersonation(user, out);
  return {};
}

Result<Value> parse_root(std::string_view yaml, Arena& arena) {
  if (yaml.size() > kMaxKubeconfigBytes) return invalid("the file is too large");
  TIPHYS_TRY(std::string, json, codec::yaml_to_json(yaml));
  TIPHYS_TRY(Value, root, codec::decode_json_any(json, arena));
  if (root.type != ValueType::kMap) return invalid("no configuration has been provided");
  return root;
}

// Finds the context and what it names. All entries must be maps.
Result<Kubeconfig> choose(const Value& root, const std::string& directory,
                          std::string_view context) {
  Kubeconfig out;
  out.context = context.empty() ? text_of(root, "current-context") : context;
  if (out.context.empty()) return invalid("no configuration has been provided");
  const Value& chosen = named(root, "contexts", "context", out.context);
  if (chosen.type != ValueType::kMap) {
    return ApiStatus::internal("context " + go_quote(out.context) + " does not exist");
  }
  out.ns = text_of(chosen, "namespace");
  std::string_view cluster_name = text_of(chosen, "cluster");
  const Value& cluster = named(root, "clusters", "cluster", cluster_name);
  if (cluster.type != ValueType::kMap) {
    return ApiStatus::internal("cluster " + go_quote(cluster_name) + " does not exist");
  }
  if (auto read = read_cluster(cluster, directory, out); !read) return read.error();
  std::string_view user_name = text_of(chosen, "user");
  if (user_name.empty()) return out;
  const Value& user = named(root, "users", "user", user_name);
  if (user.type != ValueType::kMap) {
    return ApiStatus::internal("auth info " + go_quote(user_name) + " does not exist");
  }
  if (auto read = read_user(user, directory, out); !read) return read.error();
  return out;
}

}  // namespace

Result<Kubeconfig> load_kubeconfig(const std::string& path, std::string_view context) {
  TIPHYS_TRY(std::string, yaml, os::read_file(path, kMaxKubeconfigBytes));
  size_t slash = path.rfind('/');
  auto config = parse_kubeconfig(yaml, slash == path.npos ? "." : path.substr(0, slash), context);
  if (!config) return ApiStatus::internal(path + ": " + config.error().message());
  return config;
}

Result<Kubeconfig> parse_kubeconfig(std::string_view yaml, const std::string& directory,
                                    std::string_view context) {
  Arena arena;
  TIPHYS_TRY(Value, root, parse_root(yaml, arena));
  return choose(root, directory, context);
}

Result<Kubeconfig> in_cluster_config(std::string_view host, std::string_view port,
                                     std::string_view folder) {
  if (host.empty() || port.empty()) {
    return ApiStatus::internal(
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT must be defined");
  }
  Kubeconfig out;
  bool v6 = host.find(':') != host.npos;
  out.server = "https://" + (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" +
               std::string(port);
  out.token_file = std::string(folder) + "/token";
  TIPHYS_TRY(std::string, token, os::read_file(out.token_file, kMaxCredentialBytes));
  out.token = trim(token);
  TIPHYS_TRY(std::string, ca, os::read_file(std::string(folder) + "/ca.crt", kMaxCredentialBytes));
  out.tls.ca_pem = std::move(ca);
  return out;
}

Result<Kubeconfig> parse_only_cluster(std::string_view yaml) {
  Arena arena;
  TIPHYS_TRY(Value, root, parse_root(yaml, arena));
  const Value& items = root.as_node().find("clusters");
  size_t count = items.type == ValueType::kList ? items.as_node().items().size() : 0;
  if (count != 1) {
    return ApiStatus::internal(
        "expected the kubeconfig file in the cluster-info ConfigMap to have a single cluster, but "
        "it had " +
        std::to_string(count));
  }
  const Value& item = items.as_node().items()[0];
  if (item.type != ValueType::kMap) return invalid("the cluster is not a map");
  const Value& cluster = item.as_node().find("cluster");
  if (cluster.type != ValueType::kMap) return invalid("the cluster is not a map");
  Kubeconfig out;
  out.server = text_of(cluster, "server");
  out.tls_server_name = text_of(cluster, "tls-server-name");
  auto ca = base64_decode(text_of(cluster, "certificate-authority-data"));
  if (out.server.empty()) return invalid("no server found for cluster");
  if (!ca || ca->empty()) return invalid("no certificate-authority-data found for cluster");
  out.tls.ca_pem = std::move(*ca);
  return out;
}

Result<ServerAddress> parse_server_url(std::string_view url) {
  ServerAddress out;
  std::string_view rest = url;
  if (auto https = cut_prefix(rest, "https://")) {
    out.tls = true;
    rest = *https;
  } else if (auto http = cut_prefix(rest, "http://")) {
    rest = *http;
  }
  size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != rest.npos) out.path = rest.substr(slash);
  while (out.path.ends_with('/')) out.path.pop_back();
  size_t close = authority.rfind(']');
  size_t colon = authority.rfind(':');
  bool has_port = colon != authority.npos && (close == authority.npos || colon > close);
  std::string_view host = has_port ? authority.substr(0, colon) : authority;
  auto port = has_port ? parse_uint(authority.substr(colon + 1)) : std::optional<uint64_t>();
  bool bracketed = host.starts_with('[') && host.ends_with(']');
  out.host = bracketed ? host.substr(1, host.size() - 2) : host;
  if (out.host.empty() || (has_port && (!port || *port > 65535)) ||
      authority.find_first_of("@ ?#") != authority.npos ||
      (!bracketed && host.find_first_of(":[]") != host.npos)) {
    return invalid("host must be a URL or a host:port pair: " + go_quote(url));
  }
  out.address = std::string(host) + ":" + std::to_string(port.value_or(out.tls ? 443 : 80));
  return out;
}

}  // namespace tiphys::client
