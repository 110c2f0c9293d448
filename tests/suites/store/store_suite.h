// The fixture of the store's contract suite, with short ways to write and read.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/suites/store/harness.h"

namespace tiphys::tests {

using storage::Bytes;
using storage::Delete;
using storage::EventBatch;
using storage::KeyValue;
using storage::LeaseId;
using storage::Put;
using storage::RangeResult;
using storage::Revision;
using storage::Txn;
using storage::TxnResult;
using StoreEvent = storage::Event;

inline Bytes bytes(std::string_view text) { return std::make_shared<const std::string>(text); }

// What one watch has seen.
struct Seen {
  std::vector<StoreEvent> events;
  std::vector<EventBatch> batches;
  Revision revision = 0;  // of the newest batch
  int progress = 0;       // empty batches
  std::optional<ApiStatus> failed;
  std::unique_ptr<storage::Watch> watch;

  // "put a=1@2", "delete a@3"
  std::vector<std::string> log() const {
    std::vector<std::string> out;
    for (auto& event : events) {
      bool put = event.type == StoreEvent::Type::kPut;
      std::string line =
          put ? "put " + event.item.key + "=" + *event.item.value : "delete " + event.item.key;
      out.push_back(line + "@" + std::to_string(event.item.mod_revision));
    }
    return out;
  }
};

class StoreSuite : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { start(keep_all()); }
  void start(storage::mvcc::Policy policy) {
    harness_.reset();
    harness_ = GetParam().make(policy);
  }
  storage::Store& store() { return harness_->store(); }
  template <class T>
  T run(Task<T> task) {
    return harness_->run(std::move(task));
  }
  bool wait(std::function<bool()> predicate) { return harness_->run_until(std::move(predicate)); }

  Result<TxnResult> txn(Txn txn) { return run(store().txn(std::move(txn))); }
  Revision put(std::string key, std::string_view value, LeaseId lease = 0) {
    Txn one;
    one.puts.push_back({std::move(key), bytes(value), lease, nullptr});
    auto result = txn(std::move(one));
    EXPECT_TRUE(result) << result.error().message();
    return result ? result->revision : 0;
  }
  Revision erase(std::string key) {
    Txn one;
    one.deletes.push_back({std::move(key)});
    auto result = txn(std::move(one));
    EXPECT_TRUE(result) << result.error().message();
    return result ? result->revision : 0;
  }
  std::optional<KeyValue> get(std::string key, Revision at = 0) {
    auto result = run(store().get(std::move(key), at));
    EXPECT_TRUE(result) << result.error().message();
    return result ? *result : std::nullopt;
  }
  std::string value(std::string key, Revision at = 0) {
    auto item = get(std::move(key), at);
    return item ? *item->value : "(absent)";
  }
  Result<RangeResult> range(std::string prefix, std::string from = "", int64_t limit = 0,
                            Revision at = 0) {
    return run(store().range(std::move(prefix), std::move(from), limit, at));
  }
  std::vector<std::string> keys(std::string prefix, Revision at = 0) {
    std::vector<std::string> out;
    auto result = range(std::move(prefix), "", 0, at);
    EXPECT_TRUE(result) << result.error().message();
    if (result) {
      for (auto& item : result->items) out.push_back(item.key);
    }
    return out;
  }
  Revision revision() { return *run(store().current_revision()); }
  std::unique_ptr<Seen> watch(std::string prefix, Revision from, bool with_previous = true) {
    auto seen = std::make_unique<Seen>();
    Seen* s = seen.get();
    seen->watch = store().watch(
        std::move(prefix), from,
        [s](EventBatch batch) {
          for (auto& event : batch.events) s->events.push_back(event);
          if (batch.events.empty()) ++s->progress;
          s->revision = batch.revision;
          s->batches.push_back(std::move(batch));
        },
        [s](ApiStatus error) { s->failed = std::move(error); }, with_previous);
    return seen;
  }
  // Until the watch has been told everything up to now.
  bool settle(Seen& seen) {
    Revision now = revision();
    seen.watch->request_progress();
    return wait([&] { return seen.failed || seen.revision >= now; });
  }

  std::unique_ptr<StoreHarness> harness_;
};

}  // namespace tiphys::tests
