// Durable commits a second: the embedded store with 1, 16 and 64 clients (each waits for its write
// before the next one), against SQLite used plainly (one commit a write) on the same disk in the
// same run. Goal: 5,000 a second with 16 clients. Values are 1 KB, as a small pod's protobuf.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "async/epoll_loop.h"
#include "os/files.h"
#include "storage/embedded/embedded_store.h"
#include "storage/embedded/sqlite.h"

namespace tiphys::storage {
namespace {

constexpr int kValueBytes = 1'024;

struct Directory {
  Directory() {
    const char* root = std::getenv("BENCH_DIR");
    path = std::string(root ? root : "/var/tmp") + "/tiphys-bench-XXXXXX";
    if (!::mkdtemp(path.data())) std::abort();
  }
  ~Directory() { (void)os::remove_tree(path); }
  std::string path;
};

struct Load {
  Store* store = nullptr;
  EpollLoop* loop = nullptr;
  int64_t left = 0;
  int running = 0;
  int64_t next_key = 0;
  int64_t keys = 0;  // 0: always new ones
};

Task<void> client(Load* load) {
  Bytes value = std::make_shared<const std::string>(kValueBytes, 'v');
  while (load->left > 0) {
    --load->left;
    int64_t number = load->next_key++;
    if (load->keys > 0) number %= load->keys;
    Txn txn;
    txn.puts.push_back({"/registry/pods/default/pod-" + std::to_string(number), value, 0, nullptr});
    auto result = co_await load->store->txn(std::move(txn));
    if (!result) std::abort();
  }
  if (--load->running == 0) load->loop->stop();
}

void commit(EpollLoop& loop, Load& load, int clients, int64_t writes) {
  load.left = writes;
  load.running = clients;
  for (int i = 0; i < clients; ++i) spawn(client(&load));
  loop.run();
}

Task<void> finish(Store* store, EpollLoop* loop) {
  co_await store->stop();
  loop->stop();
}

void run_embedded(benchmark::State& state, int64_t keys) {
  Directory directory;
  EpollLoop loop;
  embedded::Options options;
  options.policy.keep_for = std::chrono::milliseconds(keys > 0 ? 500 : 0);
  auto store = embedded::open(loop, directory.path, options);
  if (!store) return state.SkipWithError(store.error().message().c_str());
  Load load{store->get(), &loop, 0, 0, 0, keys};
  auto clients = static_cast<int>(state.range(0));
  int64_t writes = 0;
  for (auto _ : state) {
    commit(loop, load, clients, 100 * clients);
    writes += 100 * clients;
  }
  state.SetItemsProcessed(writes);
  spawn(finish(store->get(), &loop));
  loop.run();
}

void BM_embedded_new_keys(benchmark::State& state) { run_embedded(state, 0); }
BENCHMARK(BM_embedded_new_keys)->Arg(1)->Arg(16)->Arg(64)->UseRealTime();

// The same keys again and again, with history of half a second: compaction at work.
void BM_embedded_compacting(benchmark::State& state) { run_embedded(state, 1'000); }
BENCHMARK(BM_embedded_compacting)->Arg(16)->Arg(64)->UseRealTime();

void BM_raw_sqlite(benchmark::State& state) {
  Directory directory;
  auto opened = embedded::Connection::open(directory.path + "/raw.db",
                                           embedded::Connection::Mode::kReadWrite);
  auto& database = **opened;
  for (auto sql : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                   "CREATE TABLE kv(id INTEGER PRIMARY KEY, key TEXT, value BLOB)"}) {
    if (!database.execute(sql)) return state.SkipWithError("raw SQLite does not open");
  }
  auto insert = database.prepare("INSERT INTO kv(key,value) VALUES(?,?)");
  std::string value(kValueBytes, 'v');
  for (auto _ : state) {
    insert->bind_text(1, "/registry/pods/default/pod");
    insert->bind_blob(2, value);
    if (!insert->run()) return state.SkipWithError("raw SQLite does not write");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_raw_sqlite)->UseRealTime();

}  // namespace
}  // namespace tiphys::storage

BENCHMARK_MAIN();
