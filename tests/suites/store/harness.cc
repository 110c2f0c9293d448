#include "tests/suites/store/harness.h"

#include <cstdlib>

#include "async/epoll_loop.h"
#include "async/sim_loop.h"
#include "os/files.h"
#include "storage/embedded/embedded_store.h"
#include "storage/memory/memory_store.h"

namespace tiphys::tests {

TemporaryDirectory::TemporaryDirectory() {
  char name[] = "/tmp/tiphys-store-XXXXXX";
  path_ = ::mkdtemp(name);
}

TemporaryDirectory::~TemporaryDirectory() { (void)os::remove_tree(path_); }

namespace {

// On virtual time.
class MemoryHarness : public StoreHarness {
 public:
  explicit MemoryHarness(storage::mvcc::Policy policy)
      : store_(storage::make_memory_store(loop_, policy)) {}
  ~MemoryHarness() override { run(store_->stop()); }
  Loop& loop() override { return loop_; }
  storage::Store& store() override { return *store_; }
  bool run_until(std::function<bool()> predicate, Duration limit) override {
    return predicate() || loop_.run_until(predicate, limit);
  }
  bool reopen() override { return false; }

 private:
  SimLoop loop_;
  std::unique_ptr<storage::Store> store_;
};

// On real time.
class EmbeddedHarness : public StoreHarness {
 public:
  explicit EmbeddedHarness(storage::mvcc::Policy policy) : policy_(policy) { open(); }
  ~EmbeddedHarness() override {
    if (store_) run(store_->stop());
  }
  Loop& loop() override { return loop_; }
  storage::Store& store() override { return *store_; }
  bool run_until(std::function<bool()> predicate, Duration limit) override {
    MonoTime end = loop_.mono() + limit;
    while (!predicate()) {
      if (loop_.mono() > end) return false;
      auto timer = loop_.call_after(std::chrono::milliseconds(1), [this] { loop_.stop(); });
      loop_.run();
      loop_.cancel(timer);
    }
    return true;
  }
  bool reopen() override {
    run(store_->stop());
    store_.reset();
    open();
    return true;
  }
  bool crash() override {
    store_.reset();
    open();
    return true;
  }

 private:
  void wake() override { loop_.stop(); }
  void open() {
    auto store = storage::embedded::open(loop_, directory_.path(), {.policy = policy_});
    if (!store) {
      std::fprintf(stderr, "open: %s\n", store.error().message().c_str());
      std::abort();
    }
    store_ = std::move(*store);
  }
  storage::mvcc::Policy policy_;
  TemporaryDirectory directory_;
  EpollLoop loop_;
  std::unique_ptr<storage::Store> store_;
};

}  // namespace

std::vector<Engine> engines() {
  return {
      {"memory",
       [](storage::mvcc::Policy policy) { return std::make_unique<MemoryHarness>(policy); }},
      {"embedded",
       [](storage::mvcc::Policy policy) { return std::make_unique<EmbeddedHarness>(policy); }},
  };
}

}  // namespace tiphys::tests
