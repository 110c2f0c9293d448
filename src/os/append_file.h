// AppendFile: a file that is only ever added to (logs). Blocks: for the pool's threads. One thread
// at a time. Errors: InternalError "write <path>: No space left on device".
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

class AppendFile {
 public:
  // Creates the file with `mode` where there is none.
  static Result<AppendFile> open(const std::string& path, int mode);
  // The process' standard output; its size is 0.
  static Result<AppendFile> standard_output();

  // All of the bytes, or an error; part of them may be there then.
  Result<void> write(std::string_view bytes);
  int64_t size() const { return size_; }

 private:
  AppendFile(Fd fd, std::string path, int64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}
  Fd fd_;
  std::string path_;
  int64_t size_ = 0;
};

// Permission bits of a file, as chmod takes them.
Result<int> file_mode(const std::string& path);
// Up to max_bytes of a file from `offset` on; "" at its end.
Result<std::string> read_part(const std::string& path, int64_t offset, size_t max_bytes);

}  // namespace tiphys::os
