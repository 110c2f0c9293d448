// Opens the embedded store and writes to it from 16 tasks until it is killed, compacting as it
// goes. Every write is reported on standard output before and after.
// Usage: store_writer DIRECTORY SEED
#include <unistd.h>

#include "async/epoll_loop.h"
#include "base/random.h"
#include "storage/embedded/embedded_store.h"
#include "tests/crash/acknowledgement.h"

namespace tiphys::tests {
namespace {

struct Writer {
  storage::Store& store;
  SeededRandom random;
  int64_t next_value;
};

void report(Acknowledgement record) {
  if (::write(STDOUT_FILENO, &record, sizeof record) != sizeof record) std::_Exit(3);
}

// Keys of a task are its own, so the driver knows the order of each key's writes.
Task<void> write_forever(Writer* writer, int64_t task) {
  for (;;) {
    int64_t key = static_cast<int64_t>(writer->random.below(kCrashKeys / kCrashTasks));
    key = key * kCrashTasks + task;
    bool remove = writer->random.below(5) == 0;
    int64_t value = remove ? -1 : writer->next_value++;
    storage::Txn txn;
    std::string name = "/crash/" + std::to_string(key);
    std::string text = std::to_string(value) + std::string(writer->random.below(3'000), ' ');
    if (remove) {
      txn.deletes.push_back({name});
    } else {
      txn.puts.push_back({name, std::make_shared<const std::string>(text), 0, nullptr});
    }
    report({key, value, 0});
    auto result = co_await writer->store.txn(std::move(txn));
    if (!result) std::_Exit(4);
    report({key, value, result->revision});
  }
}

Task<void> compact_forever(Writer* writer, Loop* loop) {
  for (;;) {
    bool slept = co_await sleep_for(*loop, std::chrono::milliseconds(5));
    auto now = co_await writer->store.current_revision();
    if (!slept || !now || *now < 3) continue;
    auto back = static_cast<storage::Revision>(writer->random.below(3));
    auto compacted = co_await writer->store.compact(*now - back);
    (void)compacted;  // an already compacted revision is an error that doesn't matter here
  }
}

int run(const std::string& directory, uint64_t seed) {
  EpollLoop loop;
  auto store = storage::embedded::open(loop, directory);
  if (!store) {
    std::fprintf(stderr, "store_writer: %s\n", store.error().message().c_str());
    return 2;
  }
  Writer writer{**store, SeededRandom(seed), static_cast<int64_t>(seed) * 1'000'000};
  spawn([](Writer* self) -> Task<void> {
    auto revision = co_await self->store.current_revision();
    report({-1, 0, *revision});
  }(&writer));
  for (int64_t task = 0; task < kCrashTasks; ++task) spawn(write_forever(&writer, task));
  spawn(compact_forever(&writer, &loop));
  loop.run();
  return 0;
}

}  // namespace
}  // namespace tiphys::tests

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  return tiphys::tests::run(argv[1], std::stoull(argv[2]));
}
