#include "main/agent_config.h"

#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "os/files.h"

namespace tiphys {
namespace {

constexpr Duration kPause = std::chrono::seconds(5);
constexpr Duration kAnswer = std::chrono::seconds(10);
// Of a node that knows already what to do without.
constexpr Duration kQuickAnswer = std::chrono::seconds(2);
constexpr std::string_view kNamespace = "kube-system";
constexpr size_t kMaxFile = 64 << 10;
constexpr std::string_view kByHand =
    "; --cluster-cidr, --cluster-dns and --cluster-domain give it by hand";

std::string file_of(const std::string& data_dir, const ClusterDocument& document) {
  return data_dir + "/agent/" + std::string(document.config_map) + ".yaml";
}

std::string name_of(const ClusterDocument& document) {
  return "ConfigMap " + std::string(kNamespace) + "/" + std::string(document.config_map);
}

// Nothing where a file is missing or wrong. Blocks.
ClusterConfig load(std::string data_dir) {
  ClusterConfig config;
  for (const ClusterDocument& document : kClusterDocuments) {
    Result<std::string> text = os::read_file(file_of(data_dir, document), kMaxFile);
    Result<void> read = text ? document.read(*text, config) : Result<void>();
    if (read) continue;
    LOG_WARNING("What was kept of the cluster can't be read", {"file", file_of(data_dir, document)},
                {"err", read.error()});
  }
  return config;
}

// Blocks.
Result<void> save(std::string data_dir, ClusterConfig config) {
  Result<void> done = os::make_dirs(data_dir + "/agent", 0700);
  for (const ClusterDocument& document : kClusterDocuments) {
    if (done) done = os::write_file_atomic(file_of(data_dir, document), document.write(config));
  }
  return done;
}

// One document's text, "" where there is none for this node.
Task<Result<std::string>> get_text(Host& host, client::Client& client, ClusterDocument document,
                                   Duration patience) {
  Deadline deadline(host.loop(), patience, host.stop());
  client::Request request{
      .method = "GET",
      .path = client::resource_path(*schema::find_resource("", "v1", "configmaps"), kNamespace,
                                    document.config_map),
      .stop = deadline.token()};
  Result<client::Response> answer = co_await client.transport().send(std::move(request));
  if (!answer && deadline.passed()) {
    co_return ApiStatus::timeout("the server did not answer in time");
  }
  if (!answer && answer.error().code() != 403 && !answer.error().is_not_found()) {
    co_return answer.error();
  }
  const Object* map = answer ? answer->object.get() : nullptr;
  bool right = map != nullptr && map->gvk() && map->gvk()->kind == "ConfigMap";
  std::string text(right ? core_v1::ConfigMap(*map).data().find(document.key) : "");
  if (text.empty()) {
    LOG_WARNING("The cluster doesn't tell this node all that it should agree on; flags can",
                {"missing", name_of(document) + ", key " + std::string(document.key)},
                {"err", answer ? "not there" : answer.error().message()});
  }
  co_return text;
}

// What the server says. BadRequest: it is wrong; else it could not be asked.
Task<Result<ClusterConfig>> fetch(Host& host, client::Client& client, Duration patience) {
  ClusterConfig config;
  for (const ClusterDocument& document : kClusterDocuments) {
    Result<std::string> text = co_await get_text(host, client, document, patience);
    if (!text) co_return text.error();
    Result<void> read = text->empty() ? Result<void>() : document.read(*text, config);
    if (!read) {
      co_return ApiStatus::bad_request(name_of(document) + ": " + read.error().message());
    }
  }
  co_return config;
}

bool is_wrong(const Result<ClusterConfig>& fetched) {
  return !fetched && fetched.error().reason() == "BadRequest";
}

// The first answer, whatever it is.
Task<Result<ClusterConfig>> ask(Host& host, client::Client& client, Duration patience) {
  MonoTime end = host.loop().mono() + patience;
  Result<ClusterConfig> fetched = ApiStatus::stopped();
  while (!host.stop().stop_requested()) {
    fetched = co_await fetch(host, client, kAnswer);
    if (fetched || is_wrong(fetched) || host.loop().mono() + kPause > end) break;
    LOG_INFO("Failed to read the cluster's configuration, will try again",
             {"err", fetched.error()});
    (void)co_await sleep_for(host.loop(), kPause, host.stop());
  }
  co_return fetched;
}

std::string given_differs(std::string_view flag, std::string_view given, std::string_view told) {
  return std::string(flag) + " is " + go_quote(given) + ", the cluster's is " + go_quote(told);
}

}  // namespace

std::vector<std::string> apply_cluster_config(const ClusterConfig& cluster, bool cluster_cidr_given,
                                              kubelet::Configuration& configuration,
                                              kubelet::Options& options) {
  std::vector<std::string> differs;
  auto take = [&](bool given, std::string_view flag, auto& mine, const auto& told, auto text) {
    if (told.empty() || mine == told) return;
    if (!given) {
      mine = told;
    } else {
      differs.push_back(given_differs(flag, text(mine), text(told)));
    }
  };
  auto as_it_is = [](const std::string& one) { return one; };
  auto listed = [](const std::vector<std::string>& many) { return join(many, ","); };
  auto view = configuration.view();
  bool dns_given = !view.cluster_dns().empty();
  bool domain_given = view.has_cluster_domain();
  take(cluster_cidr_given, "--cluster-cidr", options.cluster_cidr, cluster.pod_subnet, as_it_is);
  take(dns_given, "clusterDNS", options.cluster_dns, cluster.cluster_dns, listed);
  take(domain_given, "clusterDomain", options.cluster_domain, cluster.cluster_domain, as_it_is);
  auto edit = configuration.edit();
  edit.clear_cluster_dns();
  for (const std::string& one : options.cluster_dns) edit.edit_cluster_dns().append(one);
  edit.set_cluster_domain(options.cluster_domain);
  options.configuration_json = configuration.json();
  return differs;
}

Task<Result<ClusterConfig>> read_cluster_config(Host& host, client::Client& client,
                                                std::string data_dir, Duration patience,
                                                bool optional) {
  ClusterConfig kept =
      co_await run_blocking(host.loop(), host.pool(), [data_dir] { return load(data_dir); });
  bool needed = kept == ClusterConfig{} && !optional;
  Result<ClusterConfig> told = ApiStatus::stopped();
  if (needed) {
    told = co_await ask(host, client, patience);
  } else {
    told = co_await fetch(host, client, kQuickAnswer);
  }
  if (!told && needed) {
    co_return ApiStatus::internal("couldn't read the cluster's configuration: " +
                                  told.error().message() + std::string(kByHand));
  }
  if (!told) {
    LOG_WARNING("The cluster's configuration can't be read, what this node has counts",
                {"err", told.error()});
    co_return kept;
  }
  told->complete_with(kept);
  if (*told == kept) co_return kept;
  if (!(kept == ClusterConfig{})) {
    LOG_WARNING("The cluster's configuration has changed", {"podSubnet", told->pod_subnet},
                {"clusterDNS", join(told->cluster_dns, ",")},
                {"clusterDomain", told->cluster_domain});
  }
  ClusterConfig saved = *told;
  Result<void> done = co_await run_blocking(host.loop(), host.pool(),
                                            [data_dir, saved] { return save(data_dir, saved); });
  if (!done) LOG_WARNING("The cluster's configuration can't be kept", {"err", done.error()});
  co_return told;
}

}  // namespace tiphys
