#include "main/api_connection.h"
#include "main/command.h"
#include "main/flags.h"
#include "main/logging_flags.h"
#include "scheduler/scheduler.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  LeaderElectionFlags election{.resource_name = "kube-scheduler"};
};

Task<Result<void>> serve(Host& host, Flags flags) {
  auto connection = ApiConnection::open(host, flags.kubeconfig, "kube-scheduler");
  if (!connection) co_return connection.error();
  client::Client& client = (*connection)->client();
  auto scheduler = std::make_unique<scheduler::Scheduler>(host.loop(), client, host.random());
  Result<void> result = co_await run_elected(
      host, client, flags.election, [&scheduler] { scheduler->start(); },
      [&scheduler] { return scheduler->stop(); });
  scheduler.reset();
  co_await (*connection)->stop();
  co_return result;
}

}  // namespace

int run_kube_scheduler(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig, "How to reach the API server, and as whom");
  flags.election.add_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("kube-scheduler", "The scheduler alone.", set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
