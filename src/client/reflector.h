// Reflector: keeps a target equal to one resource of the server, by list and watch, until stopped.
// The first state comes in pages, or as the events of a watch, if the selector says so
// (send_initial_events) and the server can.
//
// Loop thread only. A watch that ends resumes from the last revision; 410 (or a revision that the
// server has not) lists again. Failures back off and are logged; nothing else ends the run.
#pragma once
#include <string>
#include <vector>

#include "base/random.h"
#include "client/back_off.h"
#include "client/client.h"

namespace tiphys::client {

// What a reflector writes to.
class ReflectorTarget {
 public:
  virtual ~ReflectorTarget() = default;
  // The whole state at a revision: what isn't in it is gone.
  virtual void replace(std::vector<ObjectPtr> objects, std::string revision) = 0;
  virtual void apply(const WatchEvent& event) = 0;
  virtual const std::string& revision() const = 0;
};

class Reflector {
 public:
  Reflector(Loop& loop, Client& client, Random& random, const schema::Resource& resource,
            ListOptions selector, std::string ns, ReflectorTarget& target);
  // Runs until stop.
  Task<void> run(StopToken stop);

 private:
  enum class Outcome : uint8_t { kEnded, kRelist, kFailed };
  // The state of now, given to the target; of the second one, the watch that goes on from there.
  Task<Result<void>> list_all();
  Task<Result<std::unique_ptr<WatchStream>>> stream_all(StopToken stop);
  Task<Outcome> watch_once(StopToken stop);
  Task<Outcome> start_over(StopToken stop);
  Outcome failed_list(const ApiStatus& error) const;
  ListOptions watch_options();
  Task<Outcome> consume(std::unique_ptr<WatchStream> stream, StopToken stop);
  Outcome classify(const ApiStatus& error, std::string_view what);
  // False: stopped.
  Task<bool> pause(StopToken stop);

  Loop& loop_;
  Client& client_;
  Random& random_;
  const schema::Resource& resource_;
  ListOptions selector_;
  bool streams_;
  std::string ns_;
  ReflectorTarget& target_;
  BackOff back_off_;
};

}  // namespace tiphys::client
