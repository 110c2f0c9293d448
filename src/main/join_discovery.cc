#include "main/join_discovery.h"

#include "base/log.h"
#include "base/strings.h"
#include "client/client.h"
#include "client/http_transport.h"
#include "controllers/bootstrap_signer.h"
#include "kinds/core_v1.h"

namespace tiphys {
namespace {

constexpr Duration kInterval = std::chrono::seconds(5);
constexpr uint64_t kJitterPercent = 30;
constexpr std::string_view kSignature = "jws-kubeconfig-";
constexpr std::string_view kEndOfPem = "-----END CERTIFICATE-----";
constexpr size_t kMaxPinnedCas = 64;
constexpr size_t kSha256Hex = 64;

std::string signature_key(const BootstrapToken& token) {
  return std::string(kSignature) + token.id;
}

Result<std::string> read_hash(const std::string& text) {
  std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() != 2) {
    return ApiStatus::bad_request(
        "invalid hash, expected \"format:hex-value\". Known format(s) are: sha256");
  }
  if (to_lower(parts[0]) != "sha256") {
    return ApiStatus::bad_request("unknown hash format " + go_quote(parts[0]) +
                                  ". Known format(s) are: sha256");
  }
  std::string hex = to_lower(parts[1]);
  if (hex.size() != kSha256Hex) {
    return ApiStatus::bad_request("invalid hash " + go_quote(text) +
                                  ", expected a 32 byte SHA-256 hash, found " +
                                  std::to_string(hex.size() / 2) + " bytes");
  }
  if (hex.find_first_not_of("0123456789abcdef") != hex.npos) {
    return ApiStatus::bad_request("invalid hash " + go_quote(text) +
                                  ", could not decode SHA-256 from hex");
  }
  return hex;
}

Result<std::vector<crypto::Certificate>> read_certificates(std::string_view pem) {
  std::vector<crypto::Certificate> out;
  while (pem.find(kEndOfPem) != pem.npos && out.size() < kMaxPinnedCas) {
    TIPHYS_TRY(crypto::Certificate, one, crypto::Certificate::from_pem(pem));
    out.push_back(std::move(one));
    pem.remove_prefix(pem.find(kEndOfPem) + kEndOfPem.size());
  }
  if (out.empty()) {
    return ApiStatus::internal(
        "failed to parse cluster CA from the cluster-info ConfigMap: data does not contain any "
        "valid RSA or ECDSA certificates");
  }
  return out;
}

std::string quoted_list(const std::vector<std::string>& hashes) {
  return go_quote(join(hashes, ", "));
}

const schema::Resource& config_maps() { return *schema::find_resource("", "v1", "configmaps"); }

// One try. The answer is a stranger's: it may be of any kind.
Task<Result<ObjectPtr>> read_once(Host& host, client::Kubeconfig config) {
  auto transport = client::HttpTransport::create(host.loop(), host.pool(), std::move(config),
                                                 std::string("tiphys"));
  if (!transport) co_return transport.error();
  client::Client client(**transport, "tiphys");
  Result<ObjectPtr> read = co_await client.get(config_maps(), "kube-public", "cluster-info");
  co_await (*transport)->stop();
  if (read && (!(*read)->gvk() || (*read)->gvk()->kind != "ConfigMap")) {
    co_return ApiStatus::internal("the server did not answer with a ConfigMap");
  }
  co_return read;
}

Duration jittered(Random& random, Duration interval) {
  return interval + interval * static_cast<int64_t>(random.below(kJitterPercent + 1)) / 100;
}

Task<Result<ObjectPtr>> read_signed(Host& host, client::Kubeconfig config, BootstrapToken token,
                                    Duration timeout) {
  MonoTime end = host.loop().mono() + timeout;
  Result<ObjectPtr> read = ApiStatus::stopped();
  while (!host.stop().stop_requested()) {
    read = co_await read_once(host, config);
    if (read && has_signature(**read, token)) co_return read;
    if (read) {
      read = ApiStatus::internal(
          "could not find a JWS signature in the cluster-info ConfigMap for token ID " +
          go_quote(token.id));
    }
    Duration pause = jittered(host.random(), std::min(kInterval, timeout));
    if (host.loop().mono() + pause > end) co_return read;
    LOG_INFO("Failed to request cluster-info, will try again", {"server", config.server},
             {"err", read.error()});
    (void)co_await sleep_for(host.loop(), pause, host.stop());
  }
  co_return read;
}

}  // namespace

Result<CaPins> CaPins::parse(const std::vector<std::string>& hashes) {
  CaPins pins;
  for (const std::string& text : hashes) {
    Result<std::string> hash = read_hash(text);
    if (!hash) {
      return ApiStatus::bad_request("invalid discovery token CA certificate hash: " +
                                    hash.error().message());
    }
    pins.hashes_.insert(std::move(*hash));
  }
  return pins;
}

Result<void> CaPins::check(std::string_view ca_pem) const {
  TIPHYS_TRY(std::vector<crypto::Certificate>, certificates, read_certificates(ca_pem));
  std::vector<std::string> found;
  for (const crypto::Certificate& one : certificates) {
    std::string hash = one.subject_key_sha256();
    if (hashes_.contains(hash)) return {};
    found.push_back("sha256:" + hash);
  }
  std::vector<std::string> wanted;
  for (const std::string& hash : hashes_) wanted.push_back("sha256:" + hash);
  return ApiStatus::unauthorized(
      "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys " +
      quoted_list(found) + " are pinned, only " + quoted_list(wanted));
}

bool has_signature(const Object& cluster_info, const BootstrapToken& token) {
  return core_v1::ConfigMap(cluster_info).data().contains(signature_key(token));
}

Result<std::string> verified_cluster(const Object& cluster_info, const BootstrapToken& token) {
  auto data = core_v1::ConfigMap(cluster_info).data();
  std::string_view kubeconfig = data.find("kubeconfig");
  if (kubeconfig.empty()) {
    return ApiStatus::internal(
        "there is no kubeconfig key in the cluster-info ConfigMap. This API Server isn't set up "
        "for token bootstrapping, can't connect");
  }
  std::string_view signature = data.find(signature_key(token));
  if (signature.empty()) {
    return ApiStatus::unauthorized(
        "token id " + go_quote(token.id) +
        " is invalid for this cluster or it has expired. Use \"tiphys token create\" on the "
        "control-plane node to create a new valid token");
  }
  if (signature != controllers::detached_signature(kubeconfig, token.id, token.secret)) {
    return ApiStatus::unauthorized(
        "failed to verify JWS signature of received cluster info object, can't trust this API "
        "Server");
  }
  return std::string(kubeconfig);
}

Task<Result<client::Kubeconfig>> discover(Host& host, Discovery what) {
  client::Kubeconfig insecure;
  insecure.server =
      what.server.find("://") == std::string::npos ? "https://" + what.server : what.server;
  insecure.tls.insecure_skip_verify = true;
  Result<ObjectPtr> first = co_await read_signed(host, insecure, what.token, what.timeout);
  if (!first) co_return first.error();
  Result<std::string> text = verified_cluster(**first, what.token);
  if (!text) co_return text.error();
  Result<client::Kubeconfig> cluster = client::parse_only_cluster(*text);
  if (!cluster || what.pins.empty()) co_return cluster;
  Result<void> pinned = what.pins.check(cluster->tls.ca_pem);
  if (!pinned) co_return pinned.error();
  client::Kubeconfig secure;
  secure.server = insecure.server;
  secure.tls.ca_pem = cluster->tls.ca_pem;
  Result<ObjectPtr> second = co_await read_signed(host, secure, what.token, what.timeout);
  if (!second) co_return second.error();
  if (core_v1::ConfigMap(**second).data().find("kubeconfig") != *text) {
    co_return ApiStatus::unauthorized(
        "the second kubeconfig from the cluster-info ConfigMap (using validated TLS) was different "
        "from the first");
  }
  co_return cluster;
}

}  // namespace tiphys
