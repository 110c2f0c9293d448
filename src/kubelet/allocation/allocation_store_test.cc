#include "kubelet/allocation/allocation_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "async/epoll_loop.h"
#include "kubelet/full_disk.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

struct Session {
  Session() { EXPECT_TRUE(os::make_dirs(folder)); }
  ~Session() { (void)os::remove_tree(folder); }
  std::string folder = "/tmp/tiphys_allocation_" + std::to_string(::getpid());
  std::string path = folder + "/state";
  EpollLoop loop;
  WorkerPool pool{2};
};

Task<void> drive(Session& session, Task<void> body) {
  co_await std::move(body);
  session.loop.stop();
}

void run(Session& session, Task<void> body) {
  session.loop.post([&] { spawn(drive(session, std::move(body))); });
  session.loop.run();
}

Amounts cpu(const std::string& amount) { return {{{"cpu", amount}}, {}}; }

Task<void> outlives_the_process(Session& s) {
  AllocationStore store(s.loop, s.pool, s.path);
  store.load();
  EXPECT_EQ(store.find("u"), nullptr);
  store.set("u", "a", cpu("1"));
  store.set("gone", "a", cpu("1"));
  store.set("u", "b", cpu("2"));
  store.keep_only({"u"});
  Result<void> kept = co_await store.written();
  EXPECT_TRUE(kept);
  AllocationStore next(s.loop, s.pool, s.path);
  next.load();
  EXPECT_EQ(next.find("gone"), nullptr);
  EXPECT_TRUE(next.find("u") && same_allocation(*next.find("u"), *store.find("u")));
}

TEST(AllocationStore, OutlivesTheProcess) {
  Session session;
  run(session, outlives_the_process(session));
}

Task<void> broken_file(Session& s) {
  EXPECT_TRUE(os::write_file(s.path, "{\"data\":\"{}\",\"checksum\":1}"));
  AllocationStore store(s.loop, s.pool, s.path);
  store.load();
  store.set("u", "a", cpu("1"));
  Result<void> kept = co_await store.written();
  EXPECT_TRUE(kept);
  AllocationStore next(s.loop, s.pool, s.path);
  next.load();
  EXPECT_NE(next.find("u"), nullptr) << "it is written anew";
  EXPECT_EQ(os::read_file(s.path + ".corrupt").value_or(""), "{\"data\":\"{}\",\"checksum\":1}");
}

// What a crash of the machine, or somebody else, may leave.
TEST(AllocationStore, GarbageIsSetAside) {
  Session s;
  std::string torn = "{\"data\":\"{\\\"entr";
  std::string huge(AllocationStore::kMaxCheckpointBytes + 1, ' ');
  for (const std::string& text : {torn, std::string(), std::string("\0\xff", 2), huge}) {
    ASSERT_TRUE(os::write_file(s.path, text));
    AllocationStore store(s.loop, s.pool, s.path);
    store.load();
    EXPECT_FALSE(os::exists(s.path));
    EXPECT_EQ(os::read_file(s.path + ".corrupt").value_or("none").size(), text.size());
  }
  ASSERT_EQ(::mkfifo(s.path.c_str(), 0600), 0);
  AllocationStore store(s.loop, s.pool, s.path);
  store.load();  // blocks on nothing
  EXPECT_FALSE(os::exists(s.path));
}

Task<void> full_disk(Session& s) {
  AllocationStore store(s.loop, s.pool, s.path);
  store.set("u", "a", cpu("1"));
  Result<void> kept = co_await store.written();
  EXPECT_TRUE(kept);
  std::string before = *os::read_file(s.path);
  store.set("v", "a", cpu("2"));
  {
    FullDisk full;
    kept = co_await store.written();
  }
  EXPECT_FALSE(kept);
  EXPECT_EQ(*os::read_file(s.path), before) << "never half";
  EXPECT_EQ(*os::list_dir(s.folder), std::vector<std::string>{"state"});
  kept = co_await store.written();
  EXPECT_TRUE(kept) << "tried again";
  EXPECT_NE(*os::read_file(s.path), before);
}

TEST(AllocationStore, AFullDiskLeavesTheOldFile) {
  Session session;
  run(session, full_disk(session));
}

TEST(AllocationStore, ABrokenFileIsLeftOut) {
  Session session;
  run(session, broken_file(session));
}

Task<void> no_folder(Session& s) {
  AllocationStore store(s.loop, s.pool, s.folder + "/nowhere/state");
  store.load();
  store.set("u", "a", cpu("1"));
  Result<void> kept = co_await store.written();
  EXPECT_FALSE(kept);
  EXPECT_TRUE(os::make_dirs(s.folder + "/nowhere"));
  kept = co_await store.written();
  EXPECT_TRUE(kept) << "tried again";
}

TEST(AllocationStore, SaysThatItCouldNotBeWritten) {
  Session session;
  run(session, no_folder(session));
}

}  // namespace
}  // namespace tiphys::kubelet
