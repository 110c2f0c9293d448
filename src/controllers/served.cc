#include "controllers/served.h"

#include "base/log.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

constexpr Duration kAskAgain = std::chrono::seconds(5);

}  // namespace

Task<std::vector<const schema::Resource*>> served_resources(Loop& loop, client::Client& client,
                                                            StopToken stop) {
  std::vector<const schema::Resource*> served;
  std::vector<const schema::Resource*> all = collectable_resources();
  for (const schema::Resource* resource : all) {
    client::ListOptions one;
    one.limit = 1;
    while (true) {
      Result<client::ListResult> answer = co_await client.list(*resource, "", one);
      if (stop.stop_requested()) co_return served;
      if (answer) served.push_back(resource);
      if (answer || answer.error().is_not_found() || answer.error().code() == 405) break;
      LOG_V(2, "Can't list", {"resource", resource->resource}, {"err", answer.error()});
      bool go_on = co_await sleep_for(loop, kAskAgain, stop);
      if (!go_on) co_return served;
    }
  }
  co_return served;
}

}  // namespace tiphys::controllers
