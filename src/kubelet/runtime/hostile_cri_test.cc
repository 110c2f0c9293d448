// A container runtime that answers with garbage: every call fails in bounded time and memory, with
// a clear error; the node says that its runtime is down, and comes back.
#include <gtest/gtest.h>
#include <unistd.h>

#include "codec/codec.h"
#include "kinds/cri_v1.h"
#include "kubelet/node/node_keeper.h"
#include "kubelet/runtime/cri.h"
#include "net/grpc_wire.h"
#include "net/test_world.h"
#include "os/files.h"
#include "tests/fake/fake_api.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::milliseconds;

std::string framed(const Draft& draft) {
  std::string out;
  codec::encode_protobuf(draft.type(), draft.root(), out);
  return net::frame_grpc(out);
}

std::string good_answer(const std::string& path) {
  if (path.ends_with("/Version")) {
    Draft draft(cri_v1::VersionResponse::message());
    cri_v1::VersionResponseEdit(draft).set_runtime_name("fake");
    cri_v1::VersionResponseEdit(draft).set_runtime_version("1");
    return framed(draft);
  }
  if (!path.ends_with("/Status")) return net::frame_grpc("");
  Draft draft(cri_v1::StatusResponse::message());
  auto conditions = cri_v1::StatusResponseEdit(draft).edit_status().edit_conditions();
  for (const char* type : {"RuntimeReady", "NetworkReady"}) {
    auto condition = conditions.append();
    condition.set_type(type);
    condition.set_status(true);
  }
  return framed(draft);
}

enum class Mode : uint8_t {
  kGood,
  kGarbage,     // no protobuf
  kTorn,        // a length that runs past the end
  kHuge,        // says that a gibibyte comes, and begins to send it
  kEndless,     // one message after another
  kSilent,      // half a message, then nothing
  kCut,         // no trailers
  kCompressed,  // which we never offer
  kHtml
};

// Sends the same for ever, as long as somebody reads.
class Endless : public net::BodyStream {
 public:
  Endless(Loop& loop, std::string head, std::string chunk, size_t& sent)
      : loop_(loop), head_(std::move(head)), chunk_(std::move(chunk)), sent_(sent) {}
  Task<Result<net::Bytes>> next(StopToken stop) override {
    co_await yield(loop_);
    if (stop.stop_requested()) co_return ApiStatus::stopped();
    std::string bytes = std::exchange(head_, "") + chunk_;
    sent_ += bytes.size();
    co_return std::make_shared<const std::string>(std::move(bytes));
  }

 private:
  Loop& loop_;
  std::string head_;
  std::string chunk_;
  size_t& sent_;
};

class HostileCri : public testing::Test {
 protected:
  HostileCri() {
    char name[] = "/tmp/tiphys-hostile-XXXXXX";
    folder_ = ::mkdtemp(name);
    EXPECT_TRUE(server_.listen_unix(folder_ + "/s"));
    cri_ = std::make_unique<Cri>(loop_, folder_ + "/s", stop_.token());
    cri_->set_request_timeout(milliseconds(300));
  }
  ~HostileCri() override {
    net::run_task(loop_, cri_->stop());
    net::run_task(loop_, server_.stop(milliseconds(100)));
    EXPECT_TRUE(os::remove_tree(folder_));
  }

  Task<net::Response> answer(net::Request request) {
    net::Response response;
    response.headers.add("content-type", "application/grpc");
    auto channel = std::make_shared<Channel<std::string>>(loop_, 4);
    auto body = std::make_unique<net::ChannelBody>(channel);
    if (mode_ != Mode::kCut) body->fields.add("grpc-status", "0");
    std::string good = good_answer(request.path);
    switch (mode_) {
      case Mode::kGood:
      case Mode::kCut:
        (void)channel->try_push(good);
        break;
      case Mode::kGarbage:
        (void)channel->try_push(net::frame_grpc(std::string(1 << 16, '\xff')));
        break;
      case Mode::kTorn:
        (void)channel->try_push(net::frame_grpc("\x0a\x7f oh"));
        break;
      case Mode::kCompressed:
        good[0] = 1;
        (void)channel->try_push(good);
        break;
      case Mode::kSilent:
        (void)channel->try_push(std::string("\0\0\0\1\0x", 6));
        (void)co_await sleep_for(loop_, std::chrono::minutes(1), request.gone);
        break;
      case Mode::kHuge:
        response.stream = std::make_unique<Endless>(loop_, std::string("\0\x40\0\0\0", 5),
                                                    std::string(1 << 20, 'x'), sent_);
        co_return response;
      case Mode::kEndless:
        response.stream = std::make_unique<Endless>(loop_, "", good, sent_);
        co_return response;
      case Mode::kHtml:
        response.status = 502;
        response.headers.set("content-type", "text/html");
        response.body = std::make_shared<const std::string>("<html>no</html>");
        co_return response;
    }
    channel->close();
    response.stream = std::move(body);
    co_return response;
  }

  // What a call says in that mode; "": it works.
  template <class T>
  std::string error_of(Mode mode, Task<Result<T>> call) {
    mode_ = mode;
    sent_ = 0;
    MonoTime begin = loop_.mono();
    Result<T> done = net::run_task(loop_, std::move(call));
    EXPECT_LT(loop_.mono() - begin, std::chrono::seconds(20));
    EXPECT_LT(sent_, net::kMaxGrpcMessageBytes)
        << "more was taken than a message may have, of " << static_cast<int>(mode);
    return done ? "" : done.error().message();
  }

  EpollLoop loop_;
  WorkerPool pool_{2};
  StopSource stop_;
  std::string folder_;
  Mode mode_ = Mode::kGood;
  size_t sent_ = 0;
  net::Server server_{loop_, nullptr, [this](net::Request r) { return answer(std::move(r)); }};
  std::unique_ptr<Cri> cri_;
};

TEST_F(HostileCri, EveryAnswerThatIsNoneIsAnError) {
  EXPECT_EQ(error_of(Mode::kGood, cri_->version()), "");
  for (Mode mode : {Mode::kGarbage, Mode::kTorn, Mode::kHuge, Mode::kEndless, Mode::kSilent,
                    Mode::kCut, Mode::kCompressed, Mode::kHtml}) {
    int number = static_cast<int>(mode);
    EXPECT_NE(error_of(mode, cri_->version()), "") << number;
    EXPECT_NE(error_of(mode, cri_->status()), "") << number;
    EXPECT_NE(error_of(mode, cri_->list("")), "") << number;
    EXPECT_NE(error_of(mode, cri_->list_images()), "") << number;
    EXPECT_NE(error_of(mode, cri_->container_status("c")), "") << number;
    EXPECT_EQ(error_of(Mode::kGood, cri_->version()), "") << "after " << number;
  }
  EXPECT_EQ(error_of(Mode::kSilent, cri_->version()), "context deadline exceeded");
  EXPECT_NE(error_of(Mode::kHtml, cri_->version()).find("502"), std::string::npos);
}

core_v1::NodeCondition ready_of(const ObjectPtr& node) {
  for (core_v1::NodeCondition condition : core_v1::Node(*node).status().conditions()) {
    if (condition.type() == "Ready") return condition;
  }
  return {};
}

TEST_F(HostileCri, TheNodeSaysSoAndComesBack) {
  Options options;
  options.node_name = "n";
  options.node_ip = "10.0.0.1";
  options.data_dir = options.root_dir = folder_;
  options.container_runtime_endpoint = "unix://" + folder_ + "/s";
  options.configure_cni = false;
  options.node_status_update_frequency = milliseconds(50);
  fake::FakeApi api(loop_);
  client::Client client(api, "kubelet");
  Containerd containerd(loop_, pool_, *cri_, options);
  NodeKeeper keeper(loop_, pool_, client, *cri_, containerd, options);
  containerd.start();
  keeper.start(10250);
  const schema::Resource& nodes = *schema::find_resource("", "v1", "nodes");
  auto wait_until = [&](const std::string& status) {
    MonoTime limit = loop_.mono() + net::kTestLimit;
    while (loop_.mono() < limit) {
      ObjectPtr node = api.get(nodes, "", "n");
      if (node && ready_of(node).status() == status) return std::string(ready_of(node).message());
      net::run_task(loop_, sleep_for(loop_, milliseconds(10), {}));
    }
    return std::string("never");
  };
  EXPECT_EQ(wait_until("True"), "kubelet is posting ready status");
  for (Mode mode : {Mode::kGarbage, Mode::kHuge, Mode::kSilent}) {
    mode_ = mode;
    EXPECT_EQ(wait_until("False").find("container runtime is down: "), 0u);
    mode_ = Mode::kGood;
    EXPECT_EQ(wait_until("True"), "kubelet is posting ready status");
  }
  net::run_task(loop_, keeper.stop());
  net::run_task(loop_, containerd.stop());
}

}  // namespace
}  // namespace tiphys::kubelet
