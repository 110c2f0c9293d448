// AddressRepairer: keeps the IPAddresses of Services as service_repair.h plans them: soon after one
// changed, and every few minutes. Loop thread; what it is made with must outlive its run.
#pragma once
#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/registry/own_writes.h"
#include "apiserver/registry/service_repair.h"

namespace tiphys::apiserver {

class AddressRepairer {
 public:
  AddressRepairer(CacherHub& hub, OwnWrites& writes, Loop& loop)
      : hub_(hub), writes_(writes), loop_(loop), changed_(loop) {}
  // Repairs until stopped; once. What fails is logged and tried again with the next round.
  Task<void> run(StopToken stop);

 private:
  Task<Result<void>> carry_out(AddressRepair repair);

  CacherHub& hub_;
  OwnWrites& writes_;
  Loop& loop_;
  Event changed_;  // an IPAddress that no service's write wrote, perhaps
};

}  // namespace tiphys::apiserver
