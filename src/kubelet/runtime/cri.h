// Cri: the Runtime over CRI v1 (k8s.io/cri-api runtime.v1, api/cri/v1) on a unix socket.
//
// Loop thread only. Time limits: 2 min a call (upstream's --runtime-request-timeout), 4 min to run
// a sandbox, none to pull an image.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "async/epoll_loop.h"
#include "kubelet/runtime/runtime.h"
#include "net/grpc.h"
#include "schema/message.h"

namespace tiphys::kubelet {

class Cri : public Runtime {
 public:
  // socket: a path. The token ends every call.
  Cri(EpollLoop& loop, std::string socket, StopToken stop);
  Task<void> stop();
  // Told of every call: its name, how long it took and whether it failed.
  void observe(std::function<void(std::string_view method, Duration took, bool failed)> observer) {
    observer_ = std::move(observer);
  }
  // Of ordinary calls (--runtime-request-timeout).
  void set_request_timeout(Duration timeout) { request_timeout_ = timeout; }
  net::GrpcChannel& channel() { return channel_; }

  Task<Result<std::string>> version() override;
  Task<Result<RuntimeStatus>> status() override;
  Task<Result<RuntimeList>> list(std::string pod_uid) override;
  Task<Result<std::string>> run_sandbox(ObjectPtr config, std::string handler) override;
  Task<Result<SandboxRecord>> sandbox_status(std::string id) override;
  Task<Result<void>> stop_sandbox(std::string id) override;
  Task<Result<void>> remove_sandbox(std::string id) override;
  Task<Result<std::string>> create_container(std::string sandbox_id, ObjectPtr config,
                                             ObjectPtr sandbox_config) override;
  Task<Result<void>> start_container(std::string id) override;
  Task<Result<void>> stop_container(std::string id, int64_t grace_seconds) override;
  Task<Result<void>> remove_container(std::string id) override;
  Task<Result<void>> update_resources(std::string id, ObjectPtr resources) override;
  Task<Result<ContainerRecord>> container_status(std::string id) override;
  Task<Result<ExecResult>> exec_sync(std::string id, std::vector<std::string> command,
                                     int64_t timeout_seconds) override;
  Task<Result<std::string>> exec_url(std::string id, std::vector<std::string> command,
                                     StreamFlags streams) override;
  Task<Result<std::string>> attach_url(std::string id, StreamFlags streams) override;
  Task<Result<std::string>> port_forward_url(std::string sandbox_id,
                                             std::vector<int32_t> ports) override;
  Task<Result<ImageRecord>> image_status(std::string image) override;
  Task<Result<std::vector<ImageRecord>>> list_images() override;
  Task<Result<std::string>> pull_image(std::string image, RegistryAuth auth,
                                       ObjectPtr sandbox_config) override;
  Task<Result<void>> remove_image(std::string image) override;
  Task<Result<ImageFsRecord>> image_fs() override;
  Task<Result<std::vector<UsageRecord>>> list_usage() override;
  Task<Result<void>> reopen_log(std::string container_id) override;
  Task<Result<void>> checkpoint_container(std::string id, std::string location,
                                          int64_t timeout_seconds) override;

 private:
  struct Decoded {
    std::unique_ptr<Arena> arena;
    Node* root = nullptr;
  };
  // One call: `method` without the service's name; the answer decoded as `answer`.
  Task<Result<Decoded>> call(std::string method, std::shared_ptr<const Draft> request,
                             const schema::Message* answer, Duration timeout);
  Task<Result<std::string>> observed(std::string method, std::string bytes, Duration timeout);
  // A call whose answer is empty; NotFound is success.
  Task<Result<void>> act(std::string method, std::shared_ptr<const Draft> request,
                         Duration timeout);

  net::GrpcChannel channel_;
  StopToken stop_;
  std::function<void(std::string_view method, Duration took, bool failed)> observer_;
  Duration request_timeout_ = std::chrono::minutes(2);
};

}  // namespace tiphys::kubelet
