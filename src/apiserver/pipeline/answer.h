// Answer: what a handler gives back, before any encoding. The HTTP side turns it into bytes, an
// in-process caller takes the objects themselves.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/cacher/cache_watcher.h"
#include "base/result.h"
#include "net/http.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

struct ListAnswer {
  const schema::Resource* resource = nullptr;
  std::vector<ObjectPtr> items;  // in the request's version
  std::string resource_version;
  std::string continue_token;
  int64_t remaining = -1;
};

// A running watch with its limits.
struct WatchAnswer {
  const schema::Resource* resource = nullptr;
  std::unique_ptr<CacheWatcher> watcher;
  std::optional<ApiStatus> error;  // instead of a watcher: one ERROR event, then the end
  bool bookmarks = false;
  Duration timeout = Duration::zero();
  std::shared_ptr<void> held;  // let go when the watch is over
};

struct Answer {
  int code = 200;
  ObjectPtr object;
  std::optional<ListAnswer> list;
  std::optional<WatchAnswer> watch;
  std::optional<net::Response> raw;  // already bytes: discovery, health, proxies

  static Answer of(ObjectPtr object, int code = 200) {
    Answer answer;
    answer.code = code;
    answer.object = std::move(object);
    return answer;
  }
  static Answer of_raw(net::Response response) {
    Answer answer;
    answer.code = response.status;
    answer.raw = std::move(response);
    return answer;
  }
};

}  // namespace tiphys::apiserver
