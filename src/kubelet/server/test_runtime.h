// For tests: a runtime with one pod ("u", ready) and its container "c" ("id"), behind a real
// socket.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include "codec/codec.h"
#include "kinds/cri_v1.h"
#include "kubelet/runtime/cri.h"
#include "net/grpc_wire.h"
#include "net/test_world.h"
#include "os/files.h"

namespace tiphys::kubelet {

class TestRuntime {
 public:
  explicit TestRuntime(EpollLoop& loop) : loop_(loop) {
    char name[] = "/tmp/tiphys-runtime-XXXXXX";
    folder_ = ::mkdtemp(name);
    EXPECT_TRUE(server_.listen_unix(folder_ + "/s"));
    cri_ = std::make_unique<Cri>(loop_, folder_ + "/s", stop_.token());
  }
  ~TestRuntime() {
    net::run_task(loop_, cri_->stop());
    net::run_task(loop_, server_.stop(std::chrono::milliseconds(100)));
    EXPECT_TRUE(os::remove_tree(folder_));
  }
  Cri& cri() { return *cri_; }

  ContainerState state = ContainerState::kRunning;
  bool ready = true;    // its sandbox
  bool broken = false;  // no call works

 private:
  template <class Edit>
  void describe(Edit container) const {
    container.set_id("id");
    container.edit_metadata().set_name("c");
    container.edit_labels().set(kPodUidLabel, "u");
    container.set_state(static_cast<int32_t>(state));
  }
  Draft message(const std::string& call) const {
    if (call == "ListContainers") {
      Draft out{cri_v1::ListContainersResponse::message()};
      describe(cri_v1::ListContainersResponseEdit(out).edit_containers().append());
      return out;
    }
    if (call == "ContainerStatus") {
      Draft out{cri_v1::ContainerStatusResponse::message()};
      describe(cri_v1::ContainerStatusResponseEdit(out).edit_status());
      cri_v1::ContainerStatusResponseEdit(out).edit_status().set_log_path("/log");
      return out;
    }
    if (call == "ListPodSandbox") {
      Draft out{cri_v1::ListPodSandboxResponse::message()};
      auto sandbox = cri_v1::ListPodSandboxResponseEdit(out).edit_items().append();
      sandbox.set_id("s");
      sandbox.edit_metadata().set_uid("u");
      sandbox.edit_labels().set(kPodUidLabel, "u");
      sandbox.set_state(ready ? 0 : 1);
      return out;
    }
    if (call == "ExecSync") {
      Draft out{cri_v1::ExecSyncResponse::message()};
      cri_v1::ExecSyncResponseEdit(out).set_stdout("out");
      return out;
    }
    Draft out{cri_v1::ExecResponse::message()};  // Attach's and PortForward's have its shape
    cri_v1::ExecResponseEdit(out).set_url("http://127.0.0.1:1/" + call);
    return out;
  }
  Task<net::Response> answer(net::Request request) {
    net::Response response;
    response.headers.add("content-type", "application/grpc");
    auto channel = std::make_shared<Channel<std::string>>(loop_, 1);
    auto body = std::make_unique<net::ChannelBody>(channel);
    body->fields.add("grpc-status", broken ? "14" : "0");
    if (broken) body->fields.add("grpc-message", "away");
    Draft draft = message(request.path.substr(request.path.rfind('/') + 1));
    std::string bytes;
    codec::encode_protobuf(draft.type(), draft.root(), bytes);
    if (!broken) (void)channel->try_push(net::frame_grpc(bytes));
    channel->close();
    response.stream = std::move(body);
    co_return response;
  }

  EpollLoop& loop_;
  StopSource stop_;
  std::string folder_;
  net::Server server_{loop_, nullptr, [this](net::Request r) { return answer(std::move(r)); }};
  std::unique_ptr<Cri> cri_;
};

}  // namespace tiphys::kubelet
