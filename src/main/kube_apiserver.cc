#include "main/api_server_process.h"
#include "main/command.h"
#include "main/logging_flags.h"
#include "main/placement_explainer.h"

namespace tiphys {
namespace {

constexpr std::string_view kAbout =
    "The API server alone, on the embedded store. It makes its certificates in <data-dir>/pki at "
    "the first\nstart; connect with <data-dir>/pki/admin.crt or a token of --token-auth-file.";

Task<Result<void>> serve(Host& host, ApiServerFlags flags) {
  ApiServerProcess process(host, std::move(flags));
  Result<void> result = co_await process.start();
  if (result) {
    explain_placements(process.server(), host.loop(), host.pool(),
                       scheduler::Profiles({scheduler::default_profile()}));
    co_await host.wait_for_stop();
  }
  co_await process.stop();
  co_return result;
}

}  // namespace

int run_kube_apiserver(const std::vector<std::string>& arguments) {
  ApiServerFlags flags;
  LoggingFlags logging;
  FlagSet set;
  flags.add_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("kube-apiserver", kAbout, set, arguments)) return *code;
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
