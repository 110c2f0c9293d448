// How the API server answers podplacements.scheduling.tiphys.io: the scheduler's plugins over the
// watch caches; its extenders are only named. Loop thread; the work itself runs on the pool.
#pragma once
#include "apiserver/api_server.h"
#include "scheduler/extender_config.h"
#include "scheduler/profile.h"

namespace tiphys {

// Call it once; until then the answer is 503. Server, loop and pool outlive each other as the
// server needs them.
void explain_placements(apiserver::ApiServer& server, Loop& loop, WorkerPool& pool,
                        scheduler::Profiles profiles,
                        std::vector<scheduler::ExtenderConfig> extenders = {});

}  // namespace tiphys
