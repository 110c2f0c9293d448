#include "scheduler/http_extender.h"

#include "client/kubeconfig.h"
#include "net/client.h"
#include "os/files.h"

namespace tiphys::scheduler {
namespace {

constexpr size_t kMaxCredentialBytes = 1024 * 1024;

class HttpExtender : public ExtenderTransport {
 public:
  HttpExtender(EpollLoop& loop, client::ServerAddress server, net::ClientOptions options,
               size_t max_answer_bytes)
      : server_(std::move(server)), max_bytes_(max_answer_bytes), http_(loop, std::move(options)) {}

  Task<Result<Answer>> post(std::string verb, std::string body, StopToken stop) override {
    net::Request request;
    request.method = "POST";
    request.path = server_.path + "/" + verb;
    request.authority = server_.address;
    request.headers.add("content-type", "application/json");
    request.headers.add("user-agent", "kube-scheduler");
    request.body = std::move(body);
    Result<net::Response> response = co_await http_.send(std::move(request), true, stop);
    if (!response) co_return response.error();
    Result<Answer> answer = co_await collect(std::move(*response), stop);
    co_return answer;
  }
  Task<void> stop() override { return http_.stop(); }

 private:
  // The body, as far as it means something.
  Task<Result<Answer>> collect(net::Response response, StopToken stop) {
    Answer answer{.status = response.status, .body = {}};
    if (response.body) answer.body = *response.body;
    while (response.stream && answer.status == 200) {
      Result<net::Bytes> chunk = co_await response.stream->next(stop);
      if (!chunk) co_return chunk.error();
      if (!*chunk) break;
      answer.body += **chunk;
      if (answer.body.size() > max_bytes_) {
        co_return ApiStatus::too_large("the answer is larger than " + std::to_string(max_bytes_) +
                                       " bytes");
      }
    }
    co_return answer;
  }

  const client::ServerAddress server_;
  const size_t max_bytes_;
  net::Client http_;
};

Result<std::string> data_or_file(const std::string& data, const std::string& file) {
  if (!data.empty() || file.empty()) return data;
  return os::read_file(file, kMaxCredentialBytes);
}

// Upstream's rest.TLSConfigFor.
Result<crypto::ClientTls::Options> tls_options(const ExtenderConfig& config) {
  const ExtenderConfig::Tls& tls = config.tls;
  crypto::ClientTls::Options options;
  TIPHYS_TRY(std::string, ca, data_or_file(tls.ca_data, tls.ca_file));
  options.insecure_skip_verify = tls.insecure || (config.enable_https && ca.empty());
  if (options.insecure_skip_verify && !ca.empty()) {
    return ApiStatus::internal(
        "specifying a root certificates file with the insecure flag is not allowed");
  }
  TIPHYS_TRY(std::string, certificate, data_or_file(tls.cert_data, tls.cert_file));
  TIPHYS_TRY(std::string, key, data_or_file(tls.key_data, tls.key_file));
  options.ca_pem = std::move(ca);
  options.certificate_pem = std::move(certificate);
  options.key_pem = std::move(key);
  return options;
}

Result<Extender> http_extender(EpollLoop& loop, ExtenderConfig config, size_t max_answer_bytes) {
  TIPHYS_TRY(client::ServerAddress, server, client::parse_server_url(config.url_prefix));
  net::ClientOptions options{.address = server.address, .server_name = config.tls.server_name};
  options.http2 = server.tls;
  if (server.tls) {
    TIPHYS_TRY(crypto::ClientTls::Options, settings, tls_options(config));
    TIPHYS_TRY(std::shared_ptr<crypto::ClientTls>, tls, crypto::ClientTls::create(settings));
    options.tls = std::move(tls);
  }
  auto transport =
      std::make_shared<HttpExtender>(loop, std::move(server), std::move(options), max_answer_bytes);
  return Extender{std::move(config), std::move(transport)};
}

}  // namespace

Result<std::vector<Extender>> http_extenders(EpollLoop& loop, std::vector<ExtenderConfig> configs,
                                             size_t max_answer_bytes) {
  std::vector<Extender> list;
  for (ExtenderConfig& config : configs) {
    Result<Extender> made = http_extender(loop, std::move(config), max_answer_bytes);
    if (!made) {
      return ApiStatus::bad_request("couldn't build extenders: " + made.error().message());
    }
    list.push_back(std::move(*made));
  }
  return list;
}

}  // namespace tiphys::scheduler
