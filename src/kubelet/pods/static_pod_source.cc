#include "kubelet/pods/static_pod_source.h"

#include <set>

#include "base/log.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kSettle = std::chrono::milliseconds(100);

}  // namespace

StaticPodSource::StaticPodSource(EpollLoop& loop, WorkerPool& pool, const Options& options)
    : loop_(loop),
      pool_(pool),
      path_(options.static_pod_path),
      period_(options.file_check_frequency),
      node_name_(options.node_name),
      check_(options.check_pod),
      gate_(loop),
      wake_(loop) {}

StaticPodSource::~StaticPodSource() = default;

void StaticPodSource::start(Changed changed) {
  if (path_.empty()) return;
  changed_ = std::move(changed);
  gate_.spawn(run());
}

Task<void> StaticPodSource::stop() {
  stop_.request_stop();
  unwatch();
  co_await gate_.close();
}

void StaticPodSource::watch() {
  if (inotify_) return;
  Result<os::Inotify> opened = os::Inotify::open(path_);
  if (!opened) return;  // not there yet: the next look will do
  inotify_ = std::make_unique<os::Inotify>(std::move(*opened));
  loop_.watch(inotify_->fd(), [this](uint32_t) {
    if (!inotify_->drain()) lost_ = true;
    wake_.set();
  });
}

void StaticPodSource::unwatch() {
  if (inotify_) loop_.unwatch(inotify_->fd());
  inotify_.reset();
}

Task<void> StaticPodSource::run() {
  while (!stop_.stop_requested()) {
    if (std::exchange(lost_, false)) unwatch();
    watch();
    wake_.reset();
    std::string path = path_;
    std::vector<File> files =
        co_await run_blocking(loop_, pool_, [path] { return read_files(path); });
    if (stop_.stop_requested()) co_return;
    changed_(parse(files));
    bool told = co_await wake_.wait(stop_.token(), period_);
    // Whoever writes one file may write more.
    if (told) (void)co_await sleep_for(loop_, kSettle, stop_.token());
  }
}

std::vector<StaticPodSource::File> StaticPodSource::read_files(const std::string& path) {
  std::vector<File> out;
  if (!os::exists(path)) return out;
  if (!os::is_directory(path)) {
    out.push_back({path, os::read_regular_file(path, kMaxManifestBytes)});
    return out;
  }
  Result<std::vector<std::string>> names = os::list_dir(path);
  if (!names) return out;
  for (const std::string& name : *names) {
    std::string file = path + "/" + name;
    if (name.starts_with('.') || os::is_directory(file)) continue;
    out.push_back({file, os::read_regular_file(file, kMaxManifestBytes)});
  }
  return out;
}

std::vector<ObjectPtr> StaticPodSource::parse(const std::vector<File>& files) {
  std::vector<ObjectPtr> out;
  std::set<std::string> names;
  std::map<std::string, std::string> before = std::exchange(problems_, {});
  for (const File& file : files) {
    Result<ObjectPtr> pod = ApiStatus::internal("");
    if (file.text) {
      pod = parse_static_pod({*file.text, file.name, node_name_, loop_.wall(), check_});
    }
    std::string problem;
    if (!pod) problem = file.text ? pod.error().message() : file.text.error().message();
    if (pod) {
      meta_v1::ObjectMeta meta = core_v1::Pod(**pod).metadata();
      std::string name = std::string(meta.namespace_()) + "/" + std::string(meta.name());
      if (!names.insert(name).second) problem = "duplicate pod name, ignoring";
    }
    if (problem.empty()) {
      out.push_back(std::move(*pod));
      continue;
    }
    problems_[file.name] = problem;
    if (before[file.name] == problem) continue;
    LOG_ERROR("Could not process manifest file", {"path", file.name}, {"err", problem});
  }
  return out;
}

}  // namespace tiphys::kubelet
