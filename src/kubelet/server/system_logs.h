// SystemLogs: /logs/ of the kubelet's server: the files of /var/log, as Go's http.FileServer serves
// them, in upstream's words. Memory is bounded: a file goes out chunk by chunk, as long as it was
// when it was opened; a folder lists kMaxEntries names at most, else it is an error.
//
// Loop thread only; files are read on the pool. What it references outlives it.
// Different from upstream on purpose, as containers with a hostPath volume write there, too: links
// may lead about inside the folder but what ends outside isn't there (upstream follows them, and
// shows the host's files to whoever may read its logs); only files and folders are opened, never
// devices or pipes; text is text/plain, and index.html a file like others. Several ranges at once
// get the whole file, which RFC 9110 allows. NodeLogQuery (?query=) is off, as by default there.
#pragma once
#include <string>

#include "async/pool.h"
#include "net/http.h"
#include "os/files.h"

namespace tiphys::kubelet {

class SystemLogs {
 public:
  static constexpr size_t kMaxEntries = 100'000;
  SystemLogs(Loop& loop, WorkerPool& pool, std::string folder = "/var/log")
      : loop_(loop), pool_(pool), folder_(std::move(folder)) {}
  // Requires: a GET of /logs, or of what is below it.
  Task<net::Response> answer(net::Request request);

 private:
  net::Response file_answer(net::Response out, os::Fd fd, int64_t size,
                            const net::Request& request);

  Loop& loop_;
  WorkerPool& pool_;
  std::string folder_;
};

}  // namespace tiphys::kubelet
