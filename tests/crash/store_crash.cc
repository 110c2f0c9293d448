// Kills the writer program in mid-load, again and again, and opens the store after each: no
// acknowledged write is lost, none is there twice, the revision never moves back.
// Usage: store_crash WRITER TIMES [SEED]. The seed is printed.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "async/epoll_loop.h"
#include "base/random.h"
#include "os/files.h"
#include "storage/embedded/embedded_store.h"
#include "tests/crash/acknowledgement.h"

namespace tiphys::tests {
namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "store_crash: FAILED: %s\n", what.c_str());
  std::exit(1);
}

struct KeyFact {
  int64_t value = -1;
  int64_t revision = 0;
};

// What must be true of the store: the acknowledged writes so far, and what each task of the writer
// was about to do when it was killed.
struct Facts {
  std::map<int64_t, KeyFact> keys;
  std::map<int64_t, Acknowledgement> begun;  // by task
  int64_t revision = 1;                      // newest that was seen
  int64_t writes = 0;

  void learn(const Acknowledgement& record) {
    if (record.key >= 0 && record.revision == 0) {
      begun[record.key % kCrashTasks] = record;
      return;
    }
    if (record.key >= 0) {
      ++writes;
      begun.erase(record.key % kCrashTasks);
      keys[record.key] = {record.value, record.revision};
    } else if (record.revision < revision) {
      fail("the revision went back from " + std::to_string(revision) + " to " +
           std::to_string(record.revision));
    }
    revision = std::max(revision, record.revision);
  }
  bool may_have_become(int64_t key, int64_t value) const {
    auto it = begun.find(key % kCrashTasks);
    return it != begun.end() && it->second.key == key && it->second.value == value;
  }
};

struct Child {
  pid_t pid = -1;
  os::Fd out;
};

Child start(const std::string& writer, const std::string& directory, uint64_t seed) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  (void)::fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
  std::string seed_text = std::to_string(seed);
  pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(writer.c_str(), writer.c_str(), directory.c_str(), seed_text.c_str(), nullptr);
    std::_Exit(127);
  }
  ::close(ends[1]);
  Child child;
  child.pid = pid;
  child.out.reset(ends[0]);
  return child;
}

// Reads one piece of the pipe; false at its end.
bool read_some(const Child& child, std::string& buffer, Facts& facts) {
  char piece[24 * 1024];
  ssize_t count = ::read(child.out.get(), piece, sizeof piece);
  if (count <= 0) return false;
  buffer.append(piece, static_cast<size_t>(count));
  size_t used = 0;
  for (; used + sizeof(Acknowledgement) <= buffer.size(); used += sizeof(Acknowledgement)) {
    Acknowledgement record;
    std::memcpy(&record, buffer.data() + used, sizeof record);
    facts.learn(record);
  }
  buffer.erase(0, used);
  return true;
}

// Lets the writer run for a while after its first words, then kills it.
void crash(const std::string& writer, const std::string& directory, uint64_t seed, int load_ms,
           Facts& facts) {
  Child child = start(writer, directory, seed);
  std::string buffer;
  if (!read_some(child, buffer, facts)) fail("the writer did not start");
  SystemClock clock;
  MonoTime end = clock.mono() + std::chrono::milliseconds(load_ms);
  while (clock.mono() < end) {
    pollfd ready{child.out.get(), POLLIN, 0};
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock.mono());
    if (::poll(&ready, 1, static_cast<int>(left.count()) + 1) <= 0) continue;
    if (!read_some(child, buffer, facts)) fail("the writer ended by itself");
  }
  ::kill(child.pid, SIGKILL);
  while (read_some(child, buffer, facts)) {
  }
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  if (!WIFSIGNALED(status)) fail("the writer ended with status " + std::to_string(status));
}

struct State {
  std::map<std::string, storage::KeyValue> items;
  storage::Revision revision = 0;
};

Task<void> read_state(storage::Store* store, State* out, EpollLoop* loop) {
  auto range = co_await store->range("/crash/", "", 0, 0);
  if (!range) fail(range.error().message());
  out->revision = range->revision;
  for (auto& item : range->items) out->items[item.key] = item;
  co_await store->stop();
  loop->stop();
}

State open_and_read(const std::string& directory) {
  EpollLoop loop;
  auto store = storage::embedded::open(loop, directory);
  if (!store) fail(store.error().message());
  State state;
  spawn(read_state(store->get(), &state, &loop));
  loop.run();
  return state;
}

// A key shows its last acknowledged write, or the one that its task was about to make.
void check(const State& state, Facts& facts) {
  if (state.revision < facts.revision) fail("the revision went back");
  for (int64_t key = 0; key < kCrashKeys; ++key) {
    auto it = state.items.find("/crash/" + std::to_string(key));
    KeyFact actual;
    if (it != state.items.end()) {
      actual = {std::strtoll(it->second.value->c_str(), nullptr, 10), it->second.mod_revision};
    }
    KeyFact expected = facts.keys[key];
    bool same = actual.value == expected.value &&
                (actual.value < 0 || actual.revision == expected.revision);
    if (!same && !facts.may_have_become(key, actual.value)) {
      fail("key " + std::to_string(key) + " has value " + std::to_string(actual.value) + " of " +
           std::to_string(actual.revision) + ", acknowledged: " + std::to_string(expected.value) +
           " of " + std::to_string(expected.revision));
    }
    facts.keys[key] = actual;
  }
  facts.begun.clear();
  facts.revision = state.revision;
}

}  // namespace
}  // namespace tiphys::tests

int main(int argc, char** argv) {
  using namespace tiphys;
  using namespace tiphys::tests;
  if (argc < 3) return 1;
  char name[] = "/tmp/tiphys-crash-XXXXXX";
  std::string directory = ::mkdtemp(name);
  uint64_t seed = argc > 3 ? std::stoull(argv[3]) : static_cast<uint64_t>(::time(nullptr));
  std::printf("store_crash: seed %llu\n", static_cast<unsigned long long>(seed));
  SeededRandom random(seed);
  Facts facts;
  int times = std::stoi(argv[2]);
  for (int i = 0; i < times; ++i) {
    crash(argv[1], directory, static_cast<uint64_t>(i + 1), static_cast<int>(random.below(80)),
          facts);
    check(open_and_read(directory), facts);
  }
  std::printf("store_crash: %d crashes, %lld acknowledged writes, none lost; revision %lld\n",
              times, static_cast<long long>(facts.writes), static_cast<long long>(facts.revision));
  (void)os::remove_tree(directory);
  return 0;
}
