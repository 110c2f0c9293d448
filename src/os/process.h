// Child processes: started with an argument list (never a shell), watched by pidfd.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

struct ProcessOptions {
  std::vector<std::string> arguments;    // [0] is looked up in PATH
  std::vector<std::string> environment;  // empty: inherited
  std::string directory;
  std::string output_path;   // standard output and error are appended here; empty: inherited
  bool new_session = false;  // setsid: signals to our group don't reach it
  // PR_SET_PDEATHSIG SIGKILL. "Parent" is the calling thread: start those from the loop's thread,
  // never from a pool thread, which ends when it is idle.
  bool kill_with_parent = false;
};

// A started child. Destroying it neither ends nor reaps the child.
class Process {
 public:
  // The child inherits no descriptor but 0 to 2, has default signal handling, reads /dev/null.
  // Errors: "start <name>: No such file or directory" and alike.
  static Result<Process> start(ProcessOptions options);
  pid_t pid() const { return pid_; }
  // Readable when it ended: watch it with a loop.
  int pidfd() const { return pidfd_.get(); }
  void signal(int number);
  // Exit status if it ended (128 + signal if killed), without waiting.
  std::optional<int> poll();
  int wait();  // blocks

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
  std::optional<int> status_;
};

struct CommandResult {
  int status = 0;
  std::string out;
  std::string err;
};
inline constexpr size_t kMaxCommandOutput = 64 * 1024 * 1024;  // each of out and err; over: error
// Runs to the end with `input` on standard input; blocks (call it on the pool). Error only if it
// could not be started or passed `timeout` (it is then killed).
Result<CommandResult> run_command(std::vector<std::string> arguments, std::string input = "",
                                  int timeout_seconds = 60);

}  // namespace tiphys::os
