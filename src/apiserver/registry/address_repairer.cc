#include "apiserver/registry/address_repairer.h"

#include "base/log.h"

namespace tiphys::apiserver {
namespace {

constexpr Duration kAddressRepairPeriod = std::chrono::minutes(3);
// Between two rounds: each goes through every Service, and each new Service brings an IPAddress.
constexpr Duration kAddressRepairPause = std::chrono::seconds(1);

}  // namespace

Task<void> AddressRepairer::run(StopToken stop) {
  hub_.find("networking.k8s.io", "ipaddresses")
      ->on_change([this](const ObjectPtr&, const ObjectPtr&) { changed_.set(); });
  while (!stop.stop_requested()) {
    changed_.reset();
    std::vector<AddressRepair> plan = plan_address_repair(hub_.lookup(), loop_.wall());
    for (const AddressRepair& repair : plan) {
      Result<void> done = co_await carry_out(repair);
      if (!done) LOG_WARNING("Address of a service not repaired", {"err", done.error()});
      if (stop.stop_requested()) co_return;
    }
    (void)co_await sleep_for(loop_, kAddressRepairPause, stop);
    (void)co_await changed_.wait(stop, kAddressRepairPeriod);
  }
}

Task<Result<void>> AddressRepairer::carry_out(AddressRepair repair) {
  const schema::Resource& resource =
      *schema::find_resource("networking.k8s.io", "v1", "ipaddresses");
  if (repair.remove) {
    Result<void> removed = co_await writes_.remove(resource, repair.remove);
    if (!removed) co_return removed.error();
  }
  if (!repair.create) co_return Result<void>();
  Result<ObjectPtr> made = co_await writes_.ensure(resource, "", Draft(*repair.create));
  if (!made) co_return made.error();
  co_return Result<void>();
}

}  // namespace tiphys::apiserver
