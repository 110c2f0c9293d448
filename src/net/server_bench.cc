// A server of one fixed body for h2load, to be compared with nginx: no benchmark framework, since
// the load comes from outside.
//   server_bench PORT [BODY_BYTES] [plain]
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "crypto/certificate.h"
#include "crypto/tls.h"
#include "net/server.h"

namespace tiphys::net {
namespace {

Task<Response> answer(Bytes body) {
  Response response;
  response.headers.add("content-type", "application/json");
  response.headers.add("cache-control", "no-cache, private");
  response.body = std::move(body);
  co_return response;
}

std::shared_ptr<crypto::ServerTls> make_tls() {
  auto key = crypto::PrivateKey::generate();
  crypto::CertificateTemplate what;
  what.subject.common_name = "bench";
  what.server_auth = true;
  what.ip_addresses = {"127.0.0.1"};
  what.not_before = SystemClock().wall() - 3600 * kMicrosPerSecond;
  what.not_after = what.not_before + 86400 * kMicrosPerSecond;
  auto certificate = crypto::sign_certificate(what, *key, nullptr, *key);
  auto tls = crypto::ServerTls::create(certificate->to_pem(), key->to_pem(), "");
  if (!tls) std::fprintf(stderr, "%s\n", tls.error().message().c_str());
  return tls ? *tls : nullptr;
}

int run(int argc, char** argv) {
  EpollLoop loop;
  uint16_t port = static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  size_t size = argc > 2 ? static_cast<size_t>(std::atoi(argv[2])) : 4096;
  auto body = std::make_shared<const std::string>(size, 'x');
  Server server(loop, argc > 3 ? nullptr : make_tls(), [body](Request) { return answer(body); });
  auto listening = server.listen("127.0.0.1", port);
  if (!listening) {
    std::fprintf(stderr, "%s\n", listening.error().message().c_str());
    return 1;
  }
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  loop.run();
  return 0;
}

}  // namespace
}  // namespace tiphys::net

int main(int argc, char** argv) { return tiphys::net::run(argc, argv); }
