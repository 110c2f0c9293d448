// Sink: where the lines of the audit log go. Its functions block: they run on the pool, write() one
// call at a time, tidy() besides it.
#pragma once
#include <string_view>

#include "base/result.h"
#include "os/append_file.h"

namespace tiphys::apiserver::audit {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<void> write(std::string_view line) = 0;
  // Whether tidy() has something to do; asked after writes, on the same thread.
  virtual bool is_untidy() { return false; }
  // What may take its time: compressing and removing old files.
  virtual Result<void> tidy() { return {}; }
};

// --audit-log-path=-
class StandardOutput : public Sink {
 public:
  explicit StandardOutput(os::AppendFile file) : file_(std::move(file)) {}
  Result<void> write(std::string_view line) override { return file_.write(line); }

 private:
  os::AppendFile file_;
};

}  // namespace tiphys::apiserver::audit
