#include "apiserver/health/store_probe.h"

namespace tiphys::apiserver {
namespace {

constexpr Duration kPeriod = StoreProbe::kTimeLimit / 2;

}  // namespace

StoreProbe::StoreProbe(Loop& loop, storage::Store& store)
    : loop_(loop),
      store_(store),
      gate_(loop),
      answered_(loop),
      reads_(ApiStatus::internal("etcd client connection not yet established")) {
  answered_.set();
}

Task<void> StoreProbe::ask() {
  Result<void> answer = co_await store_.check_reads();
  reads_ = std::move(answer);
  answered_.set();
}

Task<void> StoreProbe::look() {
  if (answered_.is_set()) {
    if (asked_at_ && loop_.mono() - *asked_at_ < kPeriod) co_return;
    asked_at_ = loop_.mono();
    answered_.reset();
    gate_.spawn(ask());
  }
  Duration left = *asked_at_ + kTimeLimit - loop_.mono();
  bool came = left > Duration::zero();
  if (came) came = co_await answered_.wait({}, left);
  if (!came) reads_ = ApiStatus::internal("context deadline exceeded");
}

Result<void> StoreProbe::writes() const {
  if (!reads_) return reads_;
  return store_.last_write();
}

Task<void> StoreProbe::stop() { co_await gate_.close(); }

}  // namespace tiphys::apiserver
