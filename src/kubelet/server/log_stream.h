// LogStream: a LogReader as a response body; follows the file while the container runs.
// Loop thread; file reads are on the pool.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "async/pool.h"
#include "kubelet/server/log_reader.h"
#include "net/http.h"

namespace tiphys::kubelet {

class LogStream : public net::BodyStream {
 public:
  LogStream(Loop& loop, WorkerPool& pool, LogReader reader, bool follow,
            std::function<bool()> running, std::string path, LogOptions options);
  Task<Result<net::Bytes>> next(StopToken stop) override;

 private:
  Task<void> reopen();

  Loop& loop_;
  WorkerPool& pool_;
  std::shared_ptr<LogReader> reader_;
  bool follow_;
  std::function<bool()> running_;
  std::string path_;
  LogOptions options_;
  bool ended_ = false;
  bool drained_ = false;  // a rotated file was read to its end
};

}  // namespace tiphys::kubelet
