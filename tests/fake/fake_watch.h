// FakeWatch: one watch of a FakeApi, reading the store's history at its own pace. For tests only.
#pragma once
#include <string>

#include "client/transport.h"
#include "tests/fake/fake_api.h"

namespace tiphys::fake {

// What a list or a watch selects.
struct Selection {
  const schema::Resource* resource = nullptr;
  std::string ns;
  std::string labels;  // "a=b,c!=d,e,!f"
  std::string fields;  // "metadata.name=x,spec.nodeName=y"
  bool matches(const Object& object) const;
};

class FakeWatch : public client::WatchStream {
 public:
  // initial: what there is now comes first, then the bookmark that ends it (sendInitialEvents).
  FakeWatch(FakeApi& api, Selection selection, int64_t from, bool initial = false);
  ~FakeWatch() override;
  Task<Result<std::optional<client::WatchEvent>>> next(StopToken stop) override;
  void wake() { changed_.set(); }
  void break_off() {
    broken_ = true;
    changed_.set();
  }

 private:
  void tell_initial(int64_t revision);
  std::optional<client::WatchEvent> take();

  FakeApi& api_;
  Selection selection_;
  size_t position_;  // in the history
  std::set<FakeStore::Key> shown_;
  std::deque<client::WatchEvent> initial_;
  bool broken_ = false;
  Event changed_;
};

}  // namespace tiphys::fake
