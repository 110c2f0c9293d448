// The API server's checks of a store that is stuck, or can't be read or written.
#include "apiserver/health/store_probe.h"

#include "apiserver/api_server_fixture.h"
#include "storage/memory/memory_backend.h"

namespace tiphys::apiserver {
namespace {

using std::chrono::milliseconds;
using storage::mvcc::WriteRequest;

// Keeps all in memory, while it works.
class Faulty : public storage::memory::MemoryBackend {
 public:
  explicit Faulty(Loop& loop) : MemoryBackend(loop), loop_(loop), free(loop) { free.set(); }
  void set_listener(storage::mvcc::WriteListener* listener) override {
    listener_ = listener;
    MemoryBackend::set_listener(listener);
  }
  void write(std::unique_ptr<WriteRequest> request) override {
    if (writable) return MemoryBackend::write(std::move(request));
    storage::mvcc::WriteRequests failed;
    failed.push_back(std::move(request));
    loop_.post([this, failed = std::move(failed)]() mutable {
      listener_->written(std::move(failed), ApiStatus::internal("no space left on device"));
    });
  }
  Task<Result<std::vector<std::optional<storage::mvcc::Row>>>> read(
      std::vector<storage::mvcc::RowQuery> queries) override {
    ++reads;
    (void)co_await free.wait();
    if (!readable) co_return ApiStatus::internal("input/output error");
    co_return co_await MemoryBackend::read(std::move(queries));
  }

  bool writable = true;
  bool readable = true;
  int reads = 0;

 private:
  Loop& loop_;
  storage::mvcc::WriteListener* listener_ = nullptr;

 public:
  Event free;  // while it isn't set, reads hang
};

class StoreProbeTest : public testing::Test {
 protected:
  StoreProbeTest() {
    server_.set_authenticator(std::make_unique<AlwaysAdmin>());
    EXPECT_TRUE(loop_.run(server_.start()));
    backend_->reads = 0;
  }
  ~StoreProbeTest() override {
    loop_.run(server_.stop());
    loop_.run(store_.stop());
  }
  std::string get(std::string path) {
    net::Request request;
    request.method = "GET";
    size_t mark = std::min(path.find('?'), path.size());
    request.path = path.substr(0, mark);
    request.query = mark == path.size() ? "" : path.substr(mark + 1);
    net::Response answer = loop_.run(server_.handle(std::move(request)));
    return std::to_string(answer.status) + " " + *answer.body;
  }
  int create(const std::string& name) {
    net::Request request;
    request.method = "POST";
    request.path = "/api/v1/namespaces/default/configmaps";
    request.headers.set("content-type", "application/json");
    request.body = R"({"metadata":{"name":")" + name + R"("}})";
    return loop_.run(server_.handle(std::move(request))).status;
  }
  void pass(Duration time) { (void)loop_.run(sleep_for(loop_, time)); }

  SimLoop loop_;
  Faulty* backend_ = new Faulty(loop_);
  storage::mvcc::MvccStore store_{loop_, std::unique_ptr<Faulty>(backend_), {}, {}, {}};
  WorkerPool pool_{1};
  SeededRandom random_{7};
  ApiServer server_{loop_, pool_, store_, random_, ApiServerOptions{}};
};

TEST_F(StoreProbeTest, AllIsWell) {
  for (const char* path : {"/livez/etcd/", "/livez", "/healthz", "/readyz", "/livez/etcd",
                           "/readyz/etcd-readiness/"}) {
    EXPECT_EQ(get(path), "200 ok") << path;
  }
  EXPECT_EQ(backend_->reads, 1) << "not more than once a second";
  EXPECT_EQ(get("/livez/etcd-readiness").substr(0, 3), "404");
}

TEST_F(StoreProbeTest, AStoreThatCannotBeRead) {
  backend_->readable = false;
  EXPECT_EQ(get("/livez/etcd"), "500 internal server error: input/output error\n");
  EXPECT_EQ(get("/readyz?exclude=etcd").substr(0, 3), "500");
  EXPECT_EQ(get("/readyz?exclude=etcd&exclude=etcd-readiness"), "200 ok");
  EXPECT_EQ(get("/livez"),
            "500 [+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n"
            "livez check failed\n");
  backend_->readable = true;
  EXPECT_EQ(get("/livez/etcd").substr(0, 3), "500") << "it was asked a moment ago";
  pass(std::chrono::seconds(1));
  EXPECT_EQ(get("/livez/etcd"), "200 ok");
}

TEST_F(StoreProbeTest, AStoreThatHangs) {
  backend_->free.reset();
  MonoTime begin = loop_.mono();
  EXPECT_EQ(get("/livez/etcd"), "500 internal server error: context deadline exceeded\n");
  EXPECT_EQ(loop_.mono() - begin, StoreProbe::kTimeLimit);
  begin = loop_.mono();
  EXPECT_EQ(get("/readyz").substr(0, 3), "500");
  EXPECT_EQ(get("/livez/ping"), "200 ok");
  EXPECT_EQ(get("/livez?exclude=etcd"), "200 ok");
  EXPECT_EQ(loop_.mono(), begin) << "nobody waits for the same again";
  EXPECT_EQ(backend_->reads, 1);
  backend_->free.set();
  pass(milliseconds(1));
  EXPECT_EQ(get("/livez/etcd"), "200 ok");
}

// A restart wouldn't mend it, and reads go on: alive, not ready.
TEST_F(StoreProbeTest, AStoreThatCannotBeWritten) {
  backend_->writable = false;
  EXPECT_EQ(create("a"), 500);
  EXPECT_EQ(get("/livez"), "200 ok");
  EXPECT_EQ(get("/readyz/etcd"), "200 ok");
  EXPECT_EQ(get("/readyz/etcd-readiness"), "500 internal server error: no space left on device\n");
  backend_->writable = true;
  EXPECT_EQ(create("a"), 201);
  EXPECT_EQ(get("/readyz"), "200 ok");
  backend_->writable = false;
  EXPECT_EQ(create("b"), 500);
  EXPECT_EQ(get("/readyz").substr(0, 3), "500");
  pass(storage::kFailureCounts);
  EXPECT_EQ(get("/readyz"), "200 ok") << "else nobody might come who tries again";
}

}  // namespace
}  // namespace tiphys::apiserver
