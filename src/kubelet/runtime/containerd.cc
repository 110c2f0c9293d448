#include "kubelet/runtime/containerd.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "os/files.h"
#include "os/mounts.h"
#include "os/pidfd.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kFirstBackOff = std::chrono::milliseconds(100);
constexpr Duration kLastBackOff = std::chrono::seconds(10);
constexpr Duration kAnswerLimit = std::chrono::seconds(60);
constexpr Duration kAnswerPoll = std::chrono::milliseconds(25);
constexpr Duration kProbePeriod = std::chrono::seconds(5);
constexpr int kImportSeconds = 600;
constexpr int kAskSeconds = 30;
constexpr Duration kReapPeriod = std::chrono::seconds(10);
constexpr int kReapRounds = 12;  // after a start: what was lost is lost by then

std::vector<std::string> environment() {
  const char* path = ::getenv("PATH");
  return {"PATH=" + std::string(path ? path : "/usr/bin:/bin") +
          ":/usr/local/sbin:/usr/sbin:/sbin"};
}

// Which file it is, for remembering that it was imported.
std::string mark_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return path + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) +
         "." + std::to_string(info.st_mtim.tv_nsec);
}

// Files to import, with their marks; those already imported are left out.
std::vector<std::pair<std::string, std::string>> new_images(const Options& options,
                                                            const ContainerdPaths& paths) {
  std::vector<std::string> files = {paths.folder + "/pause.tar"};
  std::string folder = options.data_dir + "/images";
  if (Result<std::vector<std::string>> names = os::list_dir(folder); names) {
    for (const std::string& name : *names) {
      if (name.ends_with(".tar")) files.push_back(folder + "/" + name);
    }
  }
  Result<std::string> text = os::read_file(paths.folder + "/imported");
  std::vector<std::string_view> known = text ? split(*text, '\n') : std::vector<std::string_view>();
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& file : files) {
    std::string mark = mark_of(file);
    if (mark.empty() || std::find(known.begin(), known.end(), mark) != known.end()) continue;
    out.emplace_back(file, mark);
  }
  return out;
}

Result<void> import_tarball(const std::string& socket, const std::string& file,
                            const std::string& marks, const std::string& mark) {
  Result<os::CommandResult> done = os::run_command(
      {"ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", file}, "",
      kImportSeconds);
  if (!done) return done.error();
  if (done->status != 0) return ApiStatus::internal(std::string(trim(done->err)));
  Result<std::string> before = os::read_file(marks);
  return os::write_file_atomic(marks, (before ? *before : std::string()) + mark + "\n");
}

// Shims of no container that containerd knows: it died before it could note them.
std::map<std::string, pid_t> lost_shims(const std::string& socket) {
  std::map<std::string, pid_t> shims = find_shims(socket, "k8s.io");
  if (shims.empty()) return {};
  // Asked afterwards: a container is noted before its shim starts.
  Result<os::CommandResult> known = os::run_command(
      {"ctr", "--address", socket, "--namespace", "k8s.io", "containers", "ls", "-q"}, "",
      kAskSeconds);
  if (!known || known->status != 0) return {};
  for (std::string_view id : split(known->out, '\n')) shims.erase(std::string(trim(id)));
  return shims;
}

void end_shim(pid_t pid) {
  Result<os::Fd> pidfd = os::open_pidfd(pid);
  if (pidfd) (void)os::send_signal(*pidfd, SIGKILL);
}

// What a containerd that died was about to make (snapshots without a container) is held by leases
// that end after a day. The one that has just started works at nothing yet.
Result<void> drop_leases(const std::string& socket) {
  std::vector<std::string> ctr = {"ctr", "--address", socket, "--namespace", "k8s.io", "leases"};
  std::vector<std::string> list = ctr;
  list.insert(list.end(), {"ls", "-q"});
  Result<os::CommandResult> listed = os::run_command(list, "", kAskSeconds);
  if (!listed) return listed.error();
  std::vector<std::string> remove = ctr;
  remove.push_back("rm");
  for (std::string_view id : split(listed->out, '\n')) {
    if (!trim(id).empty()) remove.emplace_back(trim(id));
  }
  if (remove.size() == ctr.size() + 1) return {};
  Result<os::CommandResult> removed = os::run_command(remove, "", kAskSeconds);
  if (!removed) return removed.error();
  if (removed->status != 0) return ApiStatus::internal(std::string(trim(removed->err)));
  return {};
}

// Before the first sandbox: the first `ip netns add` of a machine mounts the folder over itself,
// and network namespaces that stood there before could never be removed again (EBUSY).
void share_network_namespaces() {
  const std::string folder = "/run/netns";
  Result<void> shared = os::make_dirs(folder, 0755);
  if (shared) shared = os::make_shared_mount(folder);
  if (!shared) LOG_WARNING("Network namespaces are not shared", {"err", shared.error()});
}

}  // namespace

std::string Containerd::socket_path(const Options& options) {
  if (options.container_runtime_endpoint.empty()) return containerd_paths(options).socket();
  std::string_view endpoint = options.container_runtime_endpoint;
  if (auto path = cut_prefix(endpoint, "unix://")) endpoint = *path;
  return std::string(endpoint);
}

Containerd::Containerd(EpollLoop& loop, WorkerPool& pool, Runtime& runtime, Options options)
    : loop_(loop),
      pool_(pool),
      runtime_(runtime),
      options_(std::move(options)),
      paths_(containerd_paths(options_)),
      own_(options_.container_runtime_endpoint.empty()),
      gate_(loop),
      ready_(loop),
      ended_(loop) {}

Containerd::~Containerd() = default;

void Containerd::start() { gate_.spawn(run()); }

Task<void> Containerd::stop() {
  stop_.request_stop();
  if (pidfd_.valid()) loop_.unwatch(pidfd_.get());
  co_await gate_.close();
  pidfd_.reset();
}

Task<bool> Containerd::wait_ready(StopToken stop) { co_return co_await ready_.wait(stop); }

void Containerd::set_ready(bool ready, std::string problem) {
  problem_ = std::move(problem);
  if (ready == ready_.is_set()) return;
  if (ready) {
    ready_.set();
  } else {
    ready_.reset();
  }
  if (changed_) changed_(ready);
}

Task<void> Containerd::run() {
  Duration back_off = kFirstBackOff;
  while (!stop_.stop_requested()) {
    Result<void> up;
    if (own_) up = co_await ensure_process();
    if (up) up = co_await wait_answer();
    if (up) {
      if (own_) co_await tidy();
      if (own_) (void)co_await import_new_images();
      LOG_INFO("Container runtime is ready", {"socket", socket_path(options_)});
      set_ready(true, "");
      if (own_) watch_shims();
      back_off = kFirstBackOff;
      if (own_) {
        co_await wait_end();
      } else {
        co_await probe_forever();
      }
      if (stop_.stop_requested()) break;
      up = ApiStatus::service_unavailable("container runtime is down");
    }
    if (stop_.stop_requested()) break;
    LOG_ERROR("Container runtime is not available", {"err", up.error()}, {"log", paths_.log()});
    set_ready(false, up.error().message());
    (void)co_await sleep_for(loop_, back_off, stop_.token());
    back_off = std::min(back_off * 2, kLastBackOff);
  }
}

Task<Result<void>> Containerd::ensure_process() {
  Options options = options_;
  Result<void> written = co_await run_blocking(loop_, pool_, [options] {
    share_network_namespaces();
    return write_containerd_files(options);
  });
  if (!written) co_return written.error();
  if (pidfd_.valid()) loop_.unwatch(pidfd_.get());
  pidfd_.reset();
  child_.reset();
  ended_.reset();
  pid_t pid = find_containerd(options_);
  if (pid == 0) {
    had_state_ = os::exists(paths_.root() + "/io.containerd.metadata.v1.bolt/meta.db");
    os::ProcessOptions process;
    process.arguments = {options_.containerd_program, "--config", paths_.config()};
    process.environment = environment();
    process.output_path = paths_.log();
    process.new_session = true;
    Result<os::Process> started = os::Process::start(std::move(process));
    if (!started) co_return started.error();
    child_ = std::move(*started);
    pid = child_->pid();
    Result<void> noted = os::write_file(paths_.pid_file(), std::to_string(pid) + "\n");
    if (!noted) LOG_WARNING("Can't note containerd's pid", {"err", noted.error()});
  }
  Result<os::Fd> pidfd = os::open_pidfd(pid);
  if (!pidfd) co_return pidfd.error();
  pidfd_ = std::move(*pidfd);
  loop_.watch(pidfd_.get(), [this](uint32_t) { ended_.set(); });
  if (os::has_ended(pidfd_)) ended_.set();
  LOG_INFO(child_ ? "Started containerd" : "Adopted the running containerd", {"pid", pid});
  co_return Result<void>();
}

Task<Result<void>> Containerd::wait_answer() {
  MonoTime limit = loop_.mono() + kAnswerLimit;
  while (!stop_.stop_requested()) {
    Result<std::string> version = co_await runtime_.version();
    if (version) co_return Result<void>();
    if (own_ && ended_.is_set()) {
      if (child_) (void)child_->poll();
      co_return ApiStatus::service_unavailable("containerd ended at start; see " + paths_.log());
    }
    if (loop_.mono() > limit) co_return version.error();
    (void)co_await sleep_for(loop_, kAnswerPoll, stop_.token());
  }
  co_return ApiStatus::stopped();
}

// After a containerd that died. One that was adopted may be at work.
Task<void> Containerd::tidy() {
  if (!child_ || !had_state_) co_return;
  std::string socket = paths_.socket();
  Result<void> done = co_await run_blocking(loop_, pool_, [socket] { return drop_leases(socket); });
  if (!done) LOG_WARNING("containerd's old leases stay", {"err", done.error()});
}

void Containerd::watch_shims() {
  bool going = reap_rounds_ > 0;
  reap_rounds_ = kReapRounds;
  if (!going) gate_.spawn(reap_shims());
}

// Twice seen is lost: one that ends by itself is without a container for a moment, too.
Task<void> Containerd::reap_shims() {
  std::string socket = paths_.socket();
  std::map<std::string, pid_t> before;
  while (reap_rounds_ > 0) {
    bool going = co_await sleep_for(loop_, kReapPeriod, stop_.token());
    if (!going) co_return;
    auto lost = co_await run_blocking(loop_, pool_, [socket] { return lost_shims(socket); });
    for (const auto& [id, pid] : lost) {
      if (!before.contains(id) || before[id] != pid) continue;
      LOG_WARNING("Ending a shim that containerd has lost", {"sandbox", id}, {"pid", pid});
      end_shim(pid);
    }
    before = std::move(lost);
    --reap_rounds_;
  }
}

Task<void> Containerd::wait_end() {
  (void)co_await ended_.wait(stop_.token());
  if (child_ && ended_.is_set()) (void)child_->poll();
}

Task<void> Containerd::probe_forever() {
  int failures = 0;
  while (failures < 2) {
    bool going = co_await sleep_for(loop_, kProbePeriod, stop_.token());
    if (!going) co_return;
    Result<std::string> version = co_await runtime_.version();
    failures = version ? 0 : failures + 1;
  }
}

Task<bool> Containerd::import_new_images() {
  if (!own_ || importing_) co_return false;
  importing_ = true;
  Options options = options_;
  ContainerdPaths paths = paths_;
  auto files =
      co_await run_blocking(loop_, pool_, [options, paths] { return new_images(options, paths); });
  bool any = false;
  for (size_t i = 0; i < files.size() && !stop_.stop_requested(); ++i) {
    bool imported = co_await import_file(files[i].first, files[i].second);
    any = any || imported;
  }
  importing_ = false;
  co_return any;
}

Task<void> Containerd::forget_imports() {
  std::string marks = paths_.folder + "/imported";
  co_await run_blocking(loop_, pool_, [marks] { (void)os::remove_file(marks); });
}

Task<bool> Containerd::import_file(std::string path, std::string mark) {
  std::string socket = paths_.socket();
  std::string marks = paths_.folder + "/imported";
  MonoTime start = loop_.mono();
  Result<void> done = co_await run_blocking(loop_, pool_, [socket, path, marks, mark] {
    return import_tarball(socket, path, marks, mark);
  });
  if (!done) {
    LOG_ERROR("Image tarball can't be imported", {"file", path}, {"err", done.error()});
    co_return false;
  }
  int64_t ms = (loop_.mono() - start) / std::chrono::milliseconds(1);
  LOG_INFO("Imported image tarball", {"file", path}, {"ms", ms});
  co_return true;
}

}  // namespace tiphys::kubelet
