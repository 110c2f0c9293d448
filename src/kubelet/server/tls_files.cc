#include "kubelet/server/tls_files.h"

#include <set>

#include "base/log.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr Duration kPeriod = std::chrono::minutes(1);
constexpr Duration kSettle = std::chrono::milliseconds(100);

Result<void> read_into(const std::string& path, std::string& to) {
  if (path.empty()) return {};
  TIPHYS_TRY(std::string, text, os::read_file(path, kMaxBytes));
  to = std::move(text);
  return {};
}

Result<TlsFiles::Contents> read_all(const TlsFiles::Paths& paths) {
  TlsFiles::Contents out;
  Result<void> read = read_into(paths.certificate, out.certificate_pem);
  if (read) read = read_into(paths.key, out.key_pem);
  if (read) read = read_into(paths.client_ca, out.client_ca_pem);
  if (!read) return read.error();
  return out;
}

std::string folder_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

void TlsFiles::start(Paths paths, Contents read, Changed changed) {
  paths_ = std::move(paths);
  read_ = std::move(read);
  changed_ = std::move(changed);
  if (paths_.certificate.empty() && paths_.key.empty() && paths_.client_ca.empty()) return;
  gate_.spawn(run());
}

Task<void> TlsFiles::stop() {
  stop_.request_stop();
  co_await gate_.close();
  unwatch();
}

void TlsFiles::watch() {
  if (!folders_.empty()) return;
  std::set<std::string> names;
  for (const std::string& path : {paths_.certificate, paths_.key, paths_.client_ca}) {
    if (!path.empty()) names.insert(folder_of(path));
  }
  for (const std::string& name : names) {
    Result<os::Inotify> opened = os::Inotify::open(name);
    if (!opened) continue;  // the next look will do
    os::Inotify& folder = *folders_.emplace_back(std::make_unique<os::Inotify>(std::move(*opened)));
    loop_.watch(folder.fd(), [this, &folder](uint32_t) {
      if (!folder.drain()) lost_ = true;
      wake_.set();
    });
  }
}

void TlsFiles::unwatch() {
  for (const auto& folder : folders_) loop_.unwatch(folder->fd());
  folders_.clear();
}

Task<void> TlsFiles::run() {
  while (!stop_.stop_requested()) {
    if (std::exchange(lost_, false)) unwatch();
    watch();
    wake_.reset();
    Paths paths = paths_;
    Result<Contents> now = co_await run_blocking(loop_, pool_, [paths] { return read_all(paths); });
    if (stop_.stop_requested()) co_return;
    if (!now) LOG_ERROR("Failed to read the files of the server's TLS", {"err", now.error()});
    if (now && *now != read_) {
      read_ = *now;
      changed_(read_);
    }
    bool told = co_await wake_.wait(stop_.token(), kPeriod);
    // Whoever writes one of a pair writes the other, too.
    if (told) (void)co_await sleep_for(loop_, kSettle, stop_.token());
  }
}

}  // namespace tiphys::kubelet
