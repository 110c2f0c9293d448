// Which resources the server at hand serves: an informer of one that it does not know would never
// sync. Asked once at start; tries again until each has answered.
#pragma once
#include <vector>

#include "async/stop.h"
#include "client/client.h"

namespace tiphys::controllers {

// Those of collectable_resources() that can be listed; what was found so far if stopped first.
Task<std::vector<const schema::Resource*>> served_resources(Loop& loop, client::Client& client,
                                                            StopToken stop);

}  // namespace tiphys::controllers
