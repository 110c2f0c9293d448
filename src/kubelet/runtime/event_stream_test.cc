// Against a server of the test's own that speaks one of the two event services.
#include "kubelet/runtime/event_stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "codec/codec.h"
#include "kinds/containerd_v1.h"
#include "kinds/cri_v1.h"
#include "net/grpc_wire.h"
#include "net/server.h"
#include "net/test_world.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

std::string bytes_of(const Draft& draft) {
  std::string out;
  codec::encode_protobuf(draft.type(), draft.root(), out);
  return out;
}

std::string cri_event(const std::string& id, int32_t type) {
  Draft draft(cri_v1::ContainerEventResponse::message());
  cri_v1::ContainerEventResponseEdit edit(draft);
  edit.set_container_id(id);
  edit.set_container_event_type(type);
  return net::frame_grpc(bytes_of(draft));
}

std::string containerd_event(const std::string& container, const std::string& id) {
  Draft exit(containerd_v1::TaskExit::message());
  containerd_v1::TaskExitEdit(exit).set_container_id(container);
  containerd_v1::TaskExitEdit(exit).set_id(id);
  Draft draft(containerd_v1::Envelope::message());
  containerd_v1::EnvelopeEdit(draft).edit_event().set_value(bytes_of(exit));
  return net::frame_grpc(bytes_of(draft));
}

class EventStreamTest : public testing::Test {
 protected:
  EventStreamTest() {
    char name[] = "/tmp/tiphys-events-XXXXXX";
    folder_ = mkdtemp(name);
    EXPECT_TRUE(server_.listen_unix(folder_ + "/s"));
  }
  ~EventStreamTest() override {
    net::run_task(loop_, server_.stop(std::chrono::seconds(1)));
    EXPECT_TRUE(os::remove_tree(folder_));
  }

  // The ids that were told until `last` was.
  std::vector<std::string> ends_until(const std::string& last) {
    EventStream events(loop_, folder_ + "/s");
    std::vector<std::string> out;
    events.start([&](const std::string& id) {
      out.push_back(id);
      if (id == last) loop_.stop();
    });
    auto limit = loop_.call_after(net::kTestLimit, [&] { loop_.stop(); });
    loop_.run();
    loop_.cancel(limit);
    net::run_task(loop_, events.stop());
    return out;
  }

  Task<net::Response> answer(net::Request request) {
    net::Response response;
    response.headers.add("content-type", "application/grpc");
    auto found = events_.find(request.path);
    if (found == events_.end()) {
      response.headers.add("grpc-status", "12");
      co_return response;
    }
    auto channel = std::make_shared<Channel<std::string>>(loop_, 16);
    for (const std::string& event : found->second) (void)channel->try_push(event);
    response.stream = std::make_unique<net::ChannelBody>(channel);
    channels_.push_back(channel);  // and open it stays
    co_return response;
  }

  EpollLoop loop_;
  std::string folder_;
  std::map<std::string, std::vector<std::string>> events_;  // by path
  std::vector<std::shared_ptr<Channel<std::string>>> channels_;
  net::Server server_{loop_, nullptr, [this](net::Request r) { return answer(std::move(r)); }};
};

TEST_F(EventStreamTest, CriTellsWhatStopped) {
  events_["/runtime.v1.RuntimeService/GetContainerEvents"] = {cri_event("a", 0),
                                                              cri_event("a", 1),
                                                              cri_event("a", 2),
                                                              cri_event("b", 3),
                                                              net::frame_grpc("\xff garbage"),
                                                              cri_event("c", 2)};
  events_["/containerd.services.events.v1.Events/Subscribe"] = {containerd_event("x", "x")};
  EXPECT_EQ(ends_until("c"), (std::vector<std::string>{"a", "c"}));
}

TEST_F(EventStreamTest, ContainerdIsAskedWhereCriHasNoEvents) {
  events_["/containerd.services.events.v1.Events/Subscribe"] = {
      containerd_event("a", "a"), containerd_event("a", "exec"), containerd_event("b", "b")};
  EXPECT_EQ(ends_until("b"), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace tiphys::kubelet
