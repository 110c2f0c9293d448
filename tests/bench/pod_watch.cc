// pod_watch KUBECONFIG LABELS COUNT: watches the pods that LABELS select until COUNT of them have a
// node, or SIGTERM; then prints as JSON when they were created and placed, in seconds, by the clock
// of this process. Says "ready" first: pods created from then on are seen. For benches.
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "base/strings.h"
#include "client/informer.h"
#include "kinds/core_v1.h"
#include "main/api_connection.h"
#include "main/host.h"

namespace tiphys {
namespace {

using Seconds = std::chrono::duration<double>;

struct Times {
  MonoTime first_created{0};
  MonoTime last_created{0};
  MonoTime first_placed{0};
  MonoTime last_placed{0};
  std::unordered_map<std::string, MonoTime> waiting;  // by uid: since when
  std::vector<double> latencies;

  void created(const std::string& uid, MonoTime now) {
    if (first_created == MonoTime{0}) first_created = now;
    last_created = now;
    waiting.emplace(uid, now);
  }
  void bound(const std::string& uid, MonoTime now) {
    auto found = waiting.find(uid);
    if (found == waiting.end()) return;
    latencies.push_back(Seconds(now - found->second).count());
    waiting.erase(found);
    if (first_placed == MonoTime{0}) first_placed = now;
    last_placed = now;
  }
  double share(double part) const {
    if (latencies.empty()) return 0;
    return latencies[static_cast<size_t>(part * static_cast<double>(latencies.size() - 1))];
  }
  void print() {
    std::sort(latencies.begin(), latencies.end());
    std::printf(
        "{\"placed\": %zu, \"waiting\": %zu, \"creating\": %.4f, \"placing\": %.4f, \"all\": %.4f, "
        "\"p50\": %.5f, \"p99\": %.5f, \"max\": %.5f}\n",
        latencies.size(), waiting.size(), Seconds(last_created - first_created).count(),
        Seconds(last_placed - first_placed).count(), Seconds(last_placed - first_created).count(),
        share(0.5), share(0.99), share(1));
  }
};

Task<Result<void>> serve(Host& host, std::vector<std::string> arguments) {
  if (arguments.size() != 3) co_return ApiStatus::bad_request("pod_watch KUBECONFIG LABELS COUNT");
  auto connection = ApiConnection::open(host, arguments[0], "pod-watch");
  if (!connection) co_return connection.error();
  size_t count = static_cast<size_t>(parse_int(arguments[2]).value_or(0));
  client::InformerFactory informers(host.loop(), (*connection)->client(), host.random());
  Times times;
  Event done(host.loop());
  client::Informer& pods = informers.informer(*schema::find_resource("", "v1", "pods"),
                                              {.label_selector = arguments[1]});
  pods.add_handler([&](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) return;
    std::string uid(core_v1::Pod(*now).metadata().uid());
    if (!old) times.created(uid, host.loop().mono());
    if (core_v1::Pod(*now).spec().node_name().empty()) return;
    times.bound(uid, host.loop().mono());
    if (times.latencies.size() >= count) done.set();
  });
  informers.start();
  bool synced = co_await pods.wait_for_sync(host.stop());
  if (synced) {
    std::printf("ready\n");
    std::fflush(stdout);
    (void)co_await done.wait(host.stop());
  }
  times.print();
  co_await informers.stop();
  co_await (*connection)->stop();
  co_return Result<void>();
}

}  // namespace
}  // namespace tiphys

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  tiphys::Host host;
  return host.run([&](tiphys::Host& running) { return tiphys::serve(running, arguments); });
}
