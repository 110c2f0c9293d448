#include "main/config_watch.h"

#include <filesystem>

#include "base/log.h"

namespace tiphys {

ConfigWatch::ConfigWatch(Host& host, std::string file) : host_(host), file_(std::move(file)) {
  known_ = os::read_file(file_).value_or("");
  std::string folder = std::filesystem::path(file_).parent_path();
  Result<os::Inotify> opened = os::Inotify::open(folder.empty() ? "." : folder);
  if (!opened) {
    LOG_WARNING("Changes of the configuration file won't be seen", {"err", opened.error()});
    return;
  }
  folder_ = std::make_unique<os::Inotify>(std::move(*opened));
  host_.loop().watch(folder_->fd(), [this](uint32_t) {
    (void)folder_->drain();
    look();
  });
}

ConfigWatch::~ConfigWatch() {
  if (folder_) host_.loop().unwatch(folder_->fd());
}

void ConfigWatch::look() {
  Result<std::string> now = os::read_file(file_);
  if (!now || now->empty() || *now == known_) return;
  known_ = *now;
  host_.fail(ApiStatus::internal("content of the proxy server's configuration file was updated"));
}

}  // namespace tiphys
