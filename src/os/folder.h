// Folder: an open folder that others write to. Everything in it is reached by its name alone, never
// by a path, and no link is followed: whatever its parents are replaced by meanwhile, this stays.
// Movable. Calls block. Thread-safe, as Files are.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "os/files.h"

namespace tiphys::os {

class Folder {
 public:
  // `relative`, below `root`: no part of it may be a link (openat2, RESOLVE_NO_SYMLINKS), those of
  // root may.
  static Result<Folder> open(const std::string& root, const std::string& relative);

  // A file: with O_NOFOLLOW, O_NONBLOCK and O_CLOEXEC; mode: of one that is created.
  Result<Fd> open_file(const std::string& name, int flags, int mode = 0) const;
  // Its size; -1: there is none.
  int64_t bytes(const std::string& name) const;
  // The name stands for the file that is open there.
  bool is(const std::string& name, const Fd& file) const;
  Result<std::vector<std::string>> names() const;      // sorted
  Result<void> remove(const std::string& name) const;  // of a file; absent is fine
  Result<void> rename(const std::string& from, const std::string& to) const;

 private:
  explicit Folder(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace tiphys::os
