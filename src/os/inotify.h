// Inotify: a descriptor that becomes readable when something in a folder (or a file) changes.
#pragma once
#include <string>

#include "os/files.h"

namespace tiphys::os {

class Inotify {
 public:
  // Watches what is made, written, renamed or removed there. Error: the path isn't there.
  static Result<Inotify> open(const std::string& path);
  int fd() const { return fd_.get(); }
  // Forgets what was told. False: the watched path itself is gone, open anew.
  bool drain();

 private:
  explicit Inotify(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace tiphys::os
