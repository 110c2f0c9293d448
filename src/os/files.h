// Files: thin calls over Linux with Results. Thread-safe (no state); they block: use the pool from
// a loop where the file may be slow.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys::os {

// A file descriptor that closes itself. Movable.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

inline constexpr size_t kMaxFileBytes = 256 * 1024 * 1024;

// Errors of all: InternalError "open <path>: No such file or directory" (ApiStatus::os_error).
Result<std::string> read_file(const std::string& path, size_t max_bytes = kMaxFileBytes);
// The same of a regular file; never blocks on a pipe, and reads no device. Error: it is none.
Result<std::string> read_regular_file(const std::string& path, size_t max_bytes = kMaxFileBytes);
// Writes a temporary file beside it, fsyncs, renames, fsyncs the folder: old or new, never half.
Result<void> write_file_atomic(const std::string& path, std::string_view bytes, int mode = 0644);
Result<void> write_file(const std::string& path, std::string_view bytes, int mode = 0644);
bool exists(const std::string& path);
bool is_directory(const std::string& path);
Result<void> make_dirs(const std::string& path, int mode = 0755);
Result<void> remove_file(const std::string& path);  // absent is fine
// Removes a tree without following symbolic links or crossing mounts. Absent is fine.
Result<void> remove_tree(const std::string& path);
Result<std::vector<std::string>> list_dir(const std::string& path);  // names, sorted
Result<void> make_symlink(const std::string& target, const std::string& path);
Result<std::string> read_link(const std::string& path);
Result<void> rename_path(const std::string& from, const std::string& to);

}  // namespace tiphys::os
