#include "kubelet/runtime/cri.h"

#include "base/time_math.h"
#include "codec/codec.h"
#include "kinds/cri_v1.h"
#include "kubelet/runtime/cri_records.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kSandboxTimeout = std::chrono::minutes(4);
constexpr std::string_view kRuntimeService = "/runtime.v1.RuntimeService/";
constexpr std::string_view kImageService = "/runtime.v1.ImageService/";

std::string runtime_method(std::string_view name) {
  return std::string(kRuntimeService) + std::string(name);
}
std::string image_method(std::string_view name) {
  return std::string(kImageService) + std::string(name);
}

template <class Request>
std::shared_ptr<Draft> make() {
  return std::make_shared<Draft>(Request::message());
}

}  // namespace

Cri::Cri(EpollLoop& loop, std::string socket, StopToken stop)
    : channel_(loop, "unix://" + socket), stop_(std::move(stop)) {}

Task<void> Cri::stop() { co_await channel_.stop(); }

Task<Result<std::string>> Cri::observed(std::string method, std::string bytes, Duration timeout) {
  SystemClock clock;
  MonoTime begin = clock.mono();
  std::string name = method.substr(method.rfind('/') + 1);
  Result<std::string> reply =
      co_await channel_.unary(std::move(method), std::move(bytes), timeout, stop_);
  if (observer_) observer_(name, clock.mono() - begin, !reply);
  co_return reply;
}

Task<Result<Cri::Decoded>> Cri::call(std::string method, std::shared_ptr<const Draft> request,
                                     const schema::Message* answer, Duration timeout) {
  std::string bytes;
  codec::encode_protobuf(request->type(), request->root(), bytes);
  Result<std::string> reply = co_await observed(std::move(method), std::move(bytes), timeout);
  if (!reply) co_return reply.error();
  Decoded out;
  out.arena = std::make_unique<Arena>();
  Result<Node*> root = codec::decode_protobuf(*reply, *answer, *out.arena);
  if (!root) co_return root.error();
  out.root = *root;
  co_return out;
}

Task<Result<void>> Cri::act(std::string method, std::shared_ptr<const Draft> request,
                            Duration timeout) {
  std::string bytes;
  codec::encode_protobuf(request->type(), request->root(), bytes);
  Result<std::string> reply = co_await observed(std::move(method), std::move(bytes), timeout);
  if (!reply && reply.error().reason() != "NotFound") co_return reply.error();
  co_return Result<void>();
}

Task<Result<std::string>> Cri::version() {
  auto request = make<cri_v1::VersionRequest>();
  Result<Decoded> reply = co_await call(runtime_method("Version"), request,
                                        &cri_v1::VersionResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  cri_v1::VersionResponse version(*reply->root);
  co_return std::string(version.runtime_name()) + "://" + std::string(version.runtime_version());
}

Task<Result<RuntimeStatus>> Cri::status() {
  auto request = make<cri_v1::StatusRequest>();
  Result<Decoded> reply = co_await call(runtime_method("Status"), request,
                                        &cri_v1::StatusResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return runtime_status(cri_v1::StatusResponse(*reply->root));
}

Task<Result<RuntimeList>> Cri::list(std::string pod_uid) {
  auto containers = make<cri_v1::ListContainersRequest>();
  auto sandboxes = make<cri_v1::ListPodSandboxRequest>();
  if (!pod_uid.empty()) {
    cri_v1::ListContainersRequestEdit(*containers)
        .edit_filter()
        .edit_label_selector()
        .set(kPodUidLabel, pod_uid);
    cri_v1::ListPodSandboxRequestEdit(*sandboxes)
        .edit_filter()
        .edit_label_selector()
        .set(kPodUidLabel, pod_uid);
  }
  // Containers first: a container whose sandbox is missing in the second list is impossible.
  Result<Decoded> some =
      co_await call(runtime_method("ListContainers"), containers,
                    &cri_v1::ListContainersResponse::message(), request_timeout_);
  if (!some) co_return some.error();
  Result<Decoded> pods =
      co_await call(runtime_method("ListPodSandbox"), sandboxes,
                    &cri_v1::ListPodSandboxResponse::message(), request_timeout_);
  if (!pods) co_return pods.error();
  RuntimeList out;
  for (cri_v1::Container c : cri_v1::ListContainersResponse(*some->root).containers()) {
    if (c.labels().contains(kPodUidLabel)) out.containers.push_back(container_record(c));
  }
  for (cri_v1::PodSandbox s : cri_v1::ListPodSandboxResponse(*pods->root).items()) {
    if (s.labels().contains(kPodUidLabel)) out.sandboxes.push_back(sandbox_record(s));
  }
  co_return out;
}

Task<Result<std::string>> Cri::run_sandbox(ObjectPtr config, std::string handler) {
  auto request = make<cri_v1::RunPodSandboxRequest>();
  cri_v1::RunPodSandboxRequestEdit edit(*request);
  edit.set_config(cri_v1::PodSandboxConfig(config->root()));
  edit.set_runtime_handler(handler);
  Result<Decoded> reply = co_await call(runtime_method("RunPodSandbox"), request,
                                        &cri_v1::RunPodSandboxResponse::message(), kSandboxTimeout);
  if (!reply) co_return reply.error();
  co_return std::string(cri_v1::RunPodSandboxResponse(*reply->root).pod_sandbox_id());
}

Task<Result<SandboxRecord>> Cri::sandbox_status(std::string id) {
  auto request = make<cri_v1::PodSandboxStatusRequest>();
  cri_v1::PodSandboxStatusRequestEdit(*request).set_pod_sandbox_id(id);
  Result<Decoded> reply =
      co_await call(runtime_method("PodSandboxStatus"), request,
                    &cri_v1::PodSandboxStatusResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return sandbox_record(cri_v1::PodSandboxStatusResponse(*reply->root).status());
}

Task<Result<void>> Cri::stop_sandbox(std::string id) {
  auto request = make<cri_v1::StopPodSandboxRequest>();
  cri_v1::StopPodSandboxRequestEdit(*request).set_pod_sandbox_id(id);
  co_return co_await act(runtime_method("StopPodSandbox"), request, kSandboxTimeout);
}

Task<Result<void>> Cri::remove_sandbox(std::string id) {
  auto request = make<cri_v1::RemovePodSandboxRequest>();
  cri_v1::RemovePodSandboxRequestEdit(*request).set_pod_sandbox_id(id);
  co_return co_await act(runtime_method("RemovePodSandbox"), request, request_timeout_);
}

Task<Result<std::string>> Cri::create_container(std::string sandbox_id, ObjectPtr config,
                                                ObjectPtr sandbox_config) {
  auto request = make<cri_v1::CreateContainerRequest>();
  cri_v1::CreateContainerRequestEdit edit(*request);
  edit.set_pod_sandbox_id(sandbox_id);
  edit.set_config(cri_v1::ContainerConfig(config->root()));
  edit.set_sandbox_config(cri_v1::PodSandboxConfig(sandbox_config->root()));
  Result<Decoded> reply =
      co_await call(runtime_method("CreateContainer"), request,
                    &cri_v1::CreateContainerResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return std::string(cri_v1::CreateContainerResponse(*reply->root).container_id());
}

Task<Result<void>> Cri::start_container(std::string id) {
  auto request = make<cri_v1::StartContainerRequest>();
  cri_v1::StartContainerRequestEdit(*request).set_container_id(id);
  Result<Decoded> reply =
      co_await call(runtime_method("StartContainer"), request,
                    &cri_v1::StartContainerResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return Result<void>();
}

Task<Result<void>> Cri::stop_container(std::string id, int64_t grace_seconds) {
  auto request = make<cri_v1::StopContainerRequest>();
  cri_v1::StopContainerRequestEdit edit(*request);
  edit.set_container_id(id);
  Duration grace = bounded_seconds(grace_seconds);
  edit.set_timeout(grace / std::chrono::seconds(1));
  Duration timeout = request_timeout_ + grace;
  co_return co_await act(runtime_method("StopContainer"), request, timeout);
}

Task<Result<void>> Cri::remove_container(std::string id) {
  auto request = make<cri_v1::RemoveContainerRequest>();
  cri_v1::RemoveContainerRequestEdit(*request).set_container_id(id);
  co_return co_await act(runtime_method("RemoveContainer"), request, request_timeout_);
}

Task<Result<ContainerRecord>> Cri::container_status(std::string id) {
  auto request = make<cri_v1::ContainerStatusRequest>();
  cri_v1::ContainerStatusRequestEdit(*request).set_container_id(id);
  Result<Decoded> reply =
      co_await call(runtime_method("ContainerStatus"), request,
                    &cri_v1::ContainerStatusResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return container_record(cri_v1::ContainerStatusResponse(*reply->root).status());
}

Task<Result<ExecResult>> Cri::exec_sync(std::string id, std::vector<std::string> command,
                                        int64_t timeout_seconds) {
  auto request = make<cri_v1::ExecSyncRequest>();
  cri_v1::ExecSyncRequestEdit edit(*request);
  edit.set_container_id(id);
  auto words = edit.edit_cmd();
  for (const std::string& word : command) words.append(word);
  edit.set_timeout(timeout_seconds);
  Duration timeout = request_timeout_ + std::chrono::seconds(timeout_seconds);
  Result<Decoded> reply = co_await call(runtime_method("ExecSync"), request,
                                        &cri_v1::ExecSyncResponse::message(), timeout);
  if (!reply) co_return reply.error();
  cri_v1::ExecSyncResponse answer(*reply->root);
  co_return ExecResult{std::string(answer.stdout()), std::string(answer.stderr()),
                       answer.exit_code()};
}

Task<Result<std::string>> Cri::exec_url(std::string id, std::vector<std::string> command,
                                        StreamFlags streams) {
  auto request = make<cri_v1::ExecRequest>();
  cri_v1::ExecRequestEdit edit(*request);
  edit.set_container_id(id);
  auto words = edit.edit_cmd();
  for (const std::string& word : command) words.append(word);
  edit.set_tty(streams.tty);
  edit.set_stdin(streams.stdin_stream);
  edit.set_stdout(streams.stdout_stream);
  edit.set_stderr(streams.stderr_stream);
  Result<Decoded> reply = co_await call(runtime_method("Exec"), request,
                                        &cri_v1::ExecResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return std::string(cri_v1::ExecResponse(*reply->root).url());
}

Task<Result<std::string>> Cri::attach_url(std::string id, StreamFlags streams) {
  auto request = make<cri_v1::AttachRequest>();
  cri_v1::AttachRequestEdit edit(*request);
  edit.set_container_id(id);
  edit.set_tty(streams.tty);
  edit.set_stdin(streams.stdin_stream);
  edit.set_stdout(streams.stdout_stream);
  edit.set_stderr(streams.stderr_stream);
  Result<Decoded> reply = co_await call(runtime_method("Attach"), request,
                                        &cri_v1::AttachResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return std::string(cri_v1::AttachResponse(*reply->root).url());
}

Task<Result<std::string>> Cri::port_forward_url(std::string sandbox_id,
                                                std::vector<int32_t> ports) {
  auto request = make<cri_v1::PortForwardRequest>();
  cri_v1::PortForwardRequestEdit edit(*request);
  edit.set_pod_sandbox_id(sandbox_id);
  auto list = edit.edit_port();
  for (int32_t port : ports) list.append(port);
  Result<Decoded> reply = co_await call(runtime_method("PortForward"), request,
                                        &cri_v1::PortForwardResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return std::string(cri_v1::PortForwardResponse(*reply->root).url());
}

Task<Result<ImageRecord>> Cri::image_status(std::string image) {
  auto request = make<cri_v1::ImageStatusRequest>();
  cri_v1::ImageStatusRequestEdit(*request).edit_image().set_image(image);
  Result<Decoded> reply = co_await call(image_method("ImageStatus"), request,
                                        &cri_v1::ImageStatusResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return image_record(cri_v1::ImageStatusResponse(*reply->root).image());
}

Task<Result<std::vector<ImageRecord>>> Cri::list_images() {
  auto request = make<cri_v1::ListImagesRequest>();
  Result<Decoded> reply = co_await call(image_method("ListImages"), request,
                                        &cri_v1::ListImagesResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  std::vector<ImageRecord> out;
  for (cri_v1::Image image : cri_v1::ListImagesResponse(*reply->root).images()) {
    out.push_back(image_record(image));
  }
  co_return out;
}

Task<Result<std::string>> Cri::pull_image(std::string image, RegistryAuth auth,
                                          ObjectPtr sandbox_config) {
  auto request = make<cri_v1::PullImageRequest>();
  cri_v1::PullImageRequestEdit edit(*request);
  edit.edit_image().set_image(image);
  if (!auth.user.empty()) {
    edit.edit_auth().set_username(auth.user);
    edit.edit_auth().set_password(auth.password);
  }
  if (sandbox_config) {
    edit.set_sandbox_config(cri_v1::PodSandboxConfig(sandbox_config->root()));
  }
  Result<Decoded> reply = co_await call(image_method("PullImage"), request,
                                        &cri_v1::PullImageResponse::message(), Duration::zero());
  if (!reply) co_return reply.error();
  co_return std::string(cri_v1::PullImageResponse(*reply->root).image_ref());
}

Task<Result<void>> Cri::remove_image(std::string image) {
  auto request = make<cri_v1::RemoveImageRequest>();
  cri_v1::RemoveImageRequestEdit(*request).edit_image().set_image(image);
  co_return co_await act(image_method("RemoveImage"), request, request_timeout_);
}

// The first is all that is told, as in upstream.
Task<Result<ImageFsRecord>> Cri::image_fs() {
  auto request = make<cri_v1::ImageFsInfoRequest>();
  Result<Decoded> reply = co_await call(image_method("ImageFsInfo"), request,
                                        &cri_v1::ImageFsInfoResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  for (cri_v1::FilesystemUsage fs : cri_v1::ImageFsInfoResponse(*reply->root).image_filesystems()) {
    co_return image_fs_record(fs);
  }
  co_return ApiStatus::internal("imageFs information is unavailable");
}

Task<Result<std::vector<UsageRecord>>> Cri::list_usage() {
  auto request = make<cri_v1::ListContainerStatsRequest>();
  Result<Decoded> reply =
      co_await call(runtime_method("ListContainerStats"), request,
                    &cri_v1::ListContainerStatsResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  std::vector<UsageRecord> out;
  for (cri_v1::ContainerStats s : cri_v1::ListContainerStatsResponse(*reply->root).stats()) {
    if (std::optional<UsageRecord> record = usage_record(s)) out.push_back(std::move(*record));
  }
  co_return out;
}

Task<Result<void>> Cri::update_resources(std::string id, ObjectPtr resources) {
  auto request = make<cri_v1::UpdateContainerResourcesRequest>();
  cri_v1::UpdateContainerResourcesRequestEdit edit(*request);
  edit.set_container_id(id);
  edit.set_linux(cri_v1::LinuxContainerResources(*resources));
  Result<Decoded> reply =
      co_await call(runtime_method("UpdateContainerResources"), request,
                    &cri_v1::UpdateContainerResourcesResponse::message(), request_timeout_);
  if (!reply) co_return reply.error();
  co_return Result<void>();
}

Task<Result<void>> Cri::reopen_log(std::string container_id) {
  auto request = make<cri_v1::ReopenContainerLogRequest>();
  cri_v1::ReopenContainerLogRequestEdit(*request).set_container_id(container_id);
  co_return co_await act(runtime_method("ReopenContainerLog"), request, request_timeout_);
}

Task<Result<void>> Cri::checkpoint_container(std::string id, std::string location,
                                             int64_t timeout_seconds) {
  auto request = make<cri_v1::CheckpointContainerRequest>();
  cri_v1::CheckpointContainerRequestEdit edit(*request);
  edit.set_container_id(id);
  edit.set_location(location);
  edit.set_timeout(timeout_seconds);
  Duration timeout = request_timeout_;
  if (timeout_seconds > 0) timeout = std::min(timeout, bounded_seconds(timeout_seconds));
  co_return co_await act(runtime_method("CheckpointContainer"), request, timeout);
}

}  // namespace tiphys::kubelet
