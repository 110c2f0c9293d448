// What only the embedded engine has: a directory, a disk that fills up, files of others.
#include <sys/stat.h>
#include <unistd.h>

#include "async/epoll_loop.h"
#include "os/files.h"
#include "storage/embedded/embedded_store.h"
#include "storage/embedded/sqlite.h"
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using testing::HasSubstr;

namespace {

class Embedded : public testing::Test {
 protected:
  Result<std::unique_ptr<storage::Store>> open(storage::embedded::Options options = {}) {
    return storage::embedded::open(loop_, directory_.path(), options);
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(keep(std::move(task), &out, &loop_));
    while (!out) loop_.run();
    return std::move(*out);
  }
  void stop(storage::Store& store) {
    bool done = false;
    spawn(finish(store.stop(), &done, &loop_));
    while (!done) loop_.run();
  }
  Result<TxnResult> put(storage::Store& store, std::string key, std::string_view value) {
    Txn one;
    one.puts = {{std::move(key), bytes(value), 0, nullptr}};
    return run(store.txn(std::move(one)));
  }
  std::string file() const { return directory_.path() + "/store.db"; }

  TemporaryDirectory directory_;
  EpollLoop loop_;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>* out, EpollLoop* loop) {
    out->emplace(co_await std::move(task));
    loop->stop();
  }
  static Task<void> finish(Task<void> task, bool* done, EpollLoop* loop) {
    co_await std::move(task);
    *done = true;
    loop->stop();
  }
};

}  // namespace

TEST_F(Embedded, a_directory_has_one_opener_at_a_time) {
  auto first = open();
  ASSERT_TRUE(first);
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            directory_.path() + " is in use by process " + std::to_string(::getpid()));
  stop(**first);
  first->reset();
  auto third = open();
  ASSERT_TRUE(third);
  stop(**third);
}

TEST_F(Embedded, the_directory_is_made_and_private) {
  auto store = storage::embedded::open(loop_, directory_.path() + "/a/b");
  ASSERT_TRUE(store);
  struct stat info{};
  ASSERT_EQ(::stat((directory_.path() + "/a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  stop(**store);
}

TEST_F(Embedded, a_file_that_is_no_database_is_left_alone) {
  std::string text(10'000, 'x');
  ASSERT_TRUE(os::write_file(file(), text));
  auto store = open();
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), HasSubstr(file()));
  EXPECT_THAT(store.error().message(), HasSubstr("is not a Tiphys store"));
  EXPECT_EQ(*os::read_file(file()), text);
}

TEST_F(Embedded, a_database_of_others_is_left_alone) {
  {
    auto other = storage::embedded::Connection::open(
        file(), storage::embedded::Connection::Mode::kReadWrite);
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->execute("CREATE TABLE kv(a)"));
  }
  auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().message(), "storage: " + file() + ": is not a Tiphys store");
}

TEST_F(Embedded, a_store_of_a_newer_version_is_left_alone) {
  {
    auto store = open();
    ASSERT_TRUE(store);
    stop(**store);
  }
  {
    auto other = storage::embedded::Connection::open(
        file(), storage::embedded::Connection::Mode::kReadWrite);
    ASSERT_TRUE((*other)->execute("PRAGMA user_version=99"));
  }
  auto store = open();
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), HasSubstr("newer version"));
}

TEST_F(Embedded, a_damaged_file_is_named) {
  {
    auto store = open();
    ASSERT_TRUE(store);
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(put(**store, "k" + std::to_string(i), std::string(500, 'v')));
    }
    stop(**store);
  }
  auto data = os::read_file(file());
  ASSERT_TRUE(data);
  for (size_t page = 3; page * 4096 < data->size(); ++page) {
    data->replace(page * 4096, 64, 64, '\xee');
  }
  ASSERT_TRUE(os::write_file(file(), *data));
  auto store = open();
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), HasSubstr(file()));
  EXPECT_THAT(store.error().message(), HasSubstr("damaged"));
}

TEST_F(Embedded, a_full_disk_fails_writes_clearly_and_recovers_by_itself) {
  auto store = open({.policy = keep_all(), .max_bytes = 400'000});
  ASSERT_TRUE(store);
  std::string big(20'000, 'v');
  Result<TxnResult> result;
  int written = 0;
  for (; written < 100; ++written) {
    result = put(**store, "k" + std::to_string(written), big);
    if (!result) break;
  }
  ASSERT_FALSE(result) << "never full";
  EXPECT_THAT(result.error().message(), HasSubstr("no space left on device"));
  EXPECT_THAT(result.error().message(), HasSubstr(file()));
  ASSERT_FALSE((*store)->last_write());
  EXPECT_EQ((*store)->last_write().error().message(), result.error().message());
  EXPECT_TRUE(run((*store)->check_reads()));
  Revision last = written + 1;
  EXPECT_EQ(*run((*store)->current_revision()), last);
  // Reads go on, and the failed write has not happened.
  auto all = run((*store)->range("k", "", 0));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->items.size(), static_cast<size_t>(written));
  // Room is made: writes work again, and the revision goes on without a gap.
  Txn remove;
  remove.deletes = {{"k0"}, {"k1"}, {"k2"}, {"k3"}};
  auto removed = run((*store)->txn(remove));
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_EQ(removed->revision, last + 1);
  ASSERT_TRUE(run((*store)->compact(last + 1)));
  for (int attempt = 0; attempt < 1'000; ++attempt) {
    result = put(**store, "again", big);
    if (result) break;
  }
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->revision, last + 2);
  EXPECT_TRUE((*store)->last_write());
  stop(**store);
}

namespace {

Task<void> count_put(storage::Store& store, std::string key, std::string value, int* good,
                     int* bad) {
  Txn one;
  one.puts = {{std::move(key), bytes(value), 0, nullptr}};
  auto result = co_await store.txn(std::move(one));
  ++*(result ? good : bad);
}

}  // namespace

TEST_F(Embedded, all_writes_in_flight_fail_together_when_the_disk_is_full) {
  auto opened = open({.policy = keep_all(), .max_bytes = 400'000});
  ASSERT_TRUE(opened);
  auto& store = **opened;
  int good = 0;
  int bad = 0;
  for (int i = 0; i < 200; ++i) {
    spawn(count_put(store, "k" + std::to_string(i % 50), std::string(10'000, 'v'), &good, &bad));
    if (i % 10 == 0) (void)run(store.current_revision());
  }
  while (good + bad < 200) {
    loop_.call_after(std::chrono::milliseconds(1), [this] { loop_.stop(); });
    loop_.run();
  }
  EXPECT_GT(bad, 0);
  EXPECT_EQ(*run(store.current_revision()), good + 1);
  auto all = run(store.range("", "", 0));
  ASSERT_TRUE(all);
  for (auto& item : all->items) EXPECT_LE(item.mod_revision, good + 1);
  stop(store);
  opened->reset();
  auto again = open();
  ASSERT_TRUE(again);
  EXPECT_EQ(*run((*again)->current_revision()), good + 1);
  EXPECT_EQ(run((*again)->range("", "", 0))->items.size(), all->items.size());
  stop(**again);
}

TEST_F(Embedded, the_file_gives_back_what_compaction_freed) {
  auto opened = open({.policy = keep_all()});
  ASSERT_TRUE(opened);
  auto& store = **opened;
  int good = 0;
  int bad = 0;
  for (int i = 0; i < 3'000; ++i) {
    spawn(count_put(store, "k" + std::to_string(i % 10), std::string(8'000, 'v'), &good, &bad));
  }
  while (good < 3'000) {
    loop_.call_after(std::chrono::milliseconds(1), [this] { loop_.stop(); });
    loop_.run();
  }
  ASSERT_TRUE(run(store.compact(*run(store.current_revision()))));
  stop(store);
  opened->reset();
  struct stat before{};
  ASSERT_EQ(::stat(file().c_str(), &before), 0);
  // Whatever upkeep was cut off by the stop goes on when the store is used again and then idle.
  struct stat after = before;
  for (int round = 0; round < 100 && after.st_size >= 12'000'000; ++round) {
    auto again = open({.policy = keep_all()});
    ASSERT_TRUE(again);
    ASSERT_TRUE(put(**again, "k1", "small"));
    loop_.call_after(std::chrono::milliseconds(20), [this] { loop_.stop(); });
    loop_.run();
    stop(**again);
    ASSERT_EQ(::stat(file().c_str(), &after), 0);
  }
  EXPECT_LT(after.st_size, 12'000'000) << "before: " << before.st_size;
}

}  // namespace tiphys::tests
