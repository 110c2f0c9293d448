// Against a real containerd of the test's own: data folder, socket, bridge.
#include "kubelet/runtime/containerd.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "kubelet/kubelet.h"
#include "kubelet/network/pod_network.h"
#include "kubelet/pods/configs.h"
#include "kubelet/pods/test_objects.h"
#include "kubelet/runtime/cri.h"
#include "kubelet/runtime/event_stream.h"
#include "os/cgroups.h"
#include "os/files.h"
#include "os/mounts.h"
#include "os/process.h"

namespace tiphys::kubelet {
namespace {

class RealContainerd : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "containerd needs root";
    Result<os::CommandResult> version = os::run_command({"containerd", "--version"});
    if (!version || version->status != 0) GTEST_SKIP() << "containerd is not installed";
    char name[] = "/tmp/tiphys_containerd_XXXXXX";
    options_.data_dir = ::mkdtemp(name);
    options_.root_dir = options_.data_dir + "/kubelet";
    options_.bridge_name = "tct" + std::to_string(::getpid() % 100'000);
    options_.cgroup_root = "/" + options_.bridge_name;
    std::string images = options_.data_dir + "/images";
    Result<os::CommandResult> made =
        os::run_command({"python3", "tests/images/make_image.py", images, "busybox"});
    ASSERT_TRUE(made && made->status == 0) << (made ? made->err : made.error().message());
    PodNetwork network{
        options_.bridge_name, {"10.97.0.0/24"}, {"10.97.0.0/16"}, options_.data_dir + "/cni"};
    Result<void> applied = apply_pod_network(network);
    ASSERT_TRUE(applied) << applied.error().message();
  }

  void TearDown() override {
    if (options_.data_dir == Options().data_dir) return;
    Result<void> purged = purge(options_);
    EXPECT_TRUE(purged) << purged.error().message();
    EXPECT_EQ(find_containerd(options_), 0);
    EXPECT_FALSE(os::exists("/sys/class/net/" + options_.bridge_name));
    Result<std::vector<os::MountEntry>> mounts = os::list_mounts();
    ASSERT_TRUE(mounts);
    for (const os::MountEntry& mount : *mounts) {
      EXPECT_FALSE(mount.mount_point.starts_with(options_.data_dir)) << mount.mount_point;
      EXPECT_FALSE(mount.mount_point.starts_with(containerd_paths(options_).state))
          << mount.mount_point;
    }
    // Its pod had no folder, by which purge() would know its group.
    Result<os::Cgroups> groups = os::Cgroups::detect();
    if (groups) EXPECT_TRUE(groups->remove(options_.cgroup_root));
    (void)os::remove_tree(options_.data_dir);
  }

  ObjectPtr pod() { return pod_of(R"({"restartPolicy":"Always","containers":[{"name":"a"}]})"); }

  Options options_;
};

// What a test does on the loop.
struct Session {
  explicit Session(const Options& options)
      : cri(loop, Containerd::socket_path(options), StopToken()),
        containerd(loop, pool, cri, options),
        events(loop, Containerd::socket_path(options)) {}

  void run(std::function<Task<void>(Session&)> body) {
    loop.post([&] { spawn(drive(*this, body)); });
    loop.run();
  }
  static Task<void> drive(Session& session, std::function<Task<void>(Session&)> body) {
    session.containerd.start();
    bool up = co_await session.containerd.wait_ready(StopToken());
    EXPECT_TRUE(up);
    co_await body(session);
    co_await session.events.stop();
    co_await session.containerd.stop();
    co_await session.cri.stop();
    session.loop.stop();
  }

  EpollLoop loop;
  WorkerPool pool{4};
  Cri cri;
  Containerd containerd;
  EventStream events;
  Options* options = nullptr;
  ObjectPtr pod;
  std::string container;
  MicroTime started = 0;
};

ObjectPtr sandbox_of(Session& s) {
  SandboxInput input;
  input.pod = core_v1::Pod(*s.pod);
  input.log_directory = s.options->data_dir + "/log";
  input.cgroup_parent = s.options->cgroup_root + "/kubepods/podu";
  input.dns.servers = {"10.43.0.10"};
  return sandbox_config(input);
}

Task<void> start_one(Session& s, std::string script) {
  ObjectPtr sandbox = sandbox_of(s);
  Result<std::string> sandbox_id = co_await s.cri.run_sandbox(sandbox, "");
  EXPECT_TRUE(sandbox_id) << (sandbox_id ? "" : sandbox_id.error().message());
  if (!sandbox_id) co_return;
  Result<SandboxRecord> status = co_await s.cri.sandbox_status(*sandbox_id);
  EXPECT_TRUE(status && status->ready && status->ips.size() == 1);
  Result<ImageRecord> image = co_await s.cri.image_status("docker.io/library/busybox:1.36");
  EXPECT_TRUE(image && image->found);
  if (!image) co_return;
  ObjectPtr pod = pod_of("{\"containers\":[{\"name\":\"a\",\"command\":[\"sh\",\"-c\"],\"args\":[" +
                         script + "]}]}");
  ContainerInput input;
  input.pod = core_v1::Pod(*pod);
  input.container = input.pod.spec().containers()[0];
  input.image = image->id;
  Result<ObjectPtr> config = container_config(input);
  EXPECT_TRUE(config);
  Result<std::string> id = co_await s.cri.create_container(*sandbox_id, *config, sandbox);
  EXPECT_TRUE(id) << (id ? "" : id.error().message());
  if (!id) co_return;
  Result<void> started = co_await s.cri.start_container(*id);
  EXPECT_TRUE(started) << (started ? "" : started.error().message());
  s.container = *id;
  Result<ContainerRecord> record = co_await s.cri.container_status(*id);
  if (record) s.started = record->started;
}

Task<void> run_to_end(Session& s) {
  std::string ended;
  s.events.start([&ended](const std::string& id) { ended = id; });
  for (int i = 0; i < 500 && !s.events.live(); ++i) {
    (void)co_await sleep_for(s.loop, std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(s.events.live());
  co_await start_one(s, "\"echo hello; sleep 0.2; exit 3\"");
  for (int i = 0; i < 1000 && ended != s.container; ++i) {
    (void)co_await sleep_for(s.loop, std::chrono::milliseconds(10));
  }
  EXPECT_EQ(ended, s.container) << "containerd's event names the container";
  Result<ContainerRecord> record = co_await s.cri.container_status(s.container);
  // The event may come before the status shows it.
  for (int i = 0; i < 1000 && record && record->state != ContainerState::kExited; ++i) {
    (void)co_await sleep_for(s.loop, std::chrono::milliseconds(10));
    record = co_await s.cri.container_status(s.container);
  }
  EXPECT_TRUE(record);
  if (!record) co_return;
  EXPECT_EQ(record->state, ContainerState::kExited);
  EXPECT_EQ(record->exit_code, 3);
  Result<std::string> log = os::read_file(record->log_path);
  EXPECT_TRUE(log && log->find("stdout F hello") != std::string::npos);
}

TEST_F(RealContainerd, RunsAContainerToItsEnd) {
  Session session(options_);
  session.options = &options_;
  session.pod = pod();
  session.run(run_to_end);
}

Task<void> just_start(Session& s) {
  co_await start_one(s, "\"sleep 1000\"");
  Result<std::vector<UsageRecord>> usage = co_await s.cri.list_usage();
  EXPECT_TRUE(usage) << (usage ? "" : usage.error().message());
  if (!usage) co_return;
  EXPECT_EQ(usage->size(), 1u);
  for (const UsageRecord& record : *usage) {
    EXPECT_EQ(record.container_id, s.container);
    EXPECT_GT(record.time, s.started);
    EXPECT_GT(record.used.cpu_ns, 0);
    EXPECT_GT(record.used.working_set_bytes(), 0);
  }
}

Task<void> expect_same(Session& s) {
  Result<ContainerRecord> record = co_await s.cri.container_status(s.container);
  EXPECT_TRUE(record) << (record ? "" : record.error().message());
  if (!record) co_return;
  EXPECT_EQ(record->state, ContainerState::kRunning);
  EXPECT_EQ(record->started, s.started);
}

Task<void> kill_and_wait(Session& s) {
  co_await expect_same(s);
  pid_t before = find_containerd(*s.options);
  EXPECT_NE(before, 0);
  ::kill(before, SIGKILL);
  for (int i = 0; i < 1000 && (s.containerd.ready() || find_containerd(*s.options) == before);
       ++i) {
    (void)co_await sleep_for(s.loop, std::chrono::milliseconds(10));
  }
  bool up = co_await s.containerd.wait_ready(StopToken());
  EXPECT_TRUE(up);
  EXPECT_NE(find_containerd(*s.options), before);
  co_await expect_same(s);
  Result<void> stopped = co_await s.cri.stop_container(s.container, 0);
  EXPECT_TRUE(stopped);
  Result<void> again = co_await s.cri.stop_container("nosuchcontainer", 0);
  EXPECT_TRUE(again) << "stopping what is gone succeeds";
}

TEST_F(RealContainerd, ContainersOutliveUsAndContainerd) {
  std::string container;
  MicroTime started = 0;
  pid_t first = 0;
  {
    Session session(options_);
    session.options = &options_;
    session.pod = pod();
    session.run(just_start);
    container = session.container;
    started = session.started;
    first = find_containerd(options_);
  }
  EXPECT_EQ(find_containerd(options_), first) << "stop() leaves it running";
  Session session(options_);
  session.options = &options_;
  session.container = container;
  session.started = started;
  session.run(kill_and_wait);
}

}  // namespace
}  // namespace tiphys::kubelet
