// Controller: the loop that all controllers share. A controller is a name, informers whose events
// only enqueue keys, and reconcile(): a look at one key in the caches that says what to do.
//
// Loop thread only. reconcile() is pure: it reads caches and changes nothing; the shell carries its
// actions out, records events, waits until its own writes are in the caches (pending_writes.h), and
// tries again with back-off after failures. Controllers that must ask the server while they work
// (namespace deletion, garbage collection) override sync() instead.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/gate.h"
#include "base/random.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "client/object_key.h"
#include "client/work_queue.h"
#include "controllers/action.h"
#include "controllers/controller_metrics.h"
#include "controllers/pending_writes.h"
#include "controllers/served.h"

namespace tiphys::controllers {

using client::metadata;

// What controllers run on. Everything outlives them.
struct Context {
  Loop& loop;
  client::Client& client;
  client::InformerFactory& informers;
  client::EventRecorder& events;
  Random& random;
  ControllerMetrics& metrics;
  ServedResources& served;
};

class Controller {
 public:
  // back_off: of keys whose actions failed.
  Controller(Context context, std::string name, int workers = 1,
             client::WorkQueue::BackOff back_off = {});
  virtual ~Controller();  // Requires: stop() finished, or never started
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  const std::string& name() const { return name_; }
  // How many keys are worked on at a time. Before start().
  void set_workers(int workers) { workers_ = workers; }
  // Waits for the caches, then works.
  void start();
  Task<void> stop();
  // Brings the gauges of its metrics up to date.
  void measure() { queue_.measure(); }
  // Nothing to do now: no key waits or is being worked on, delayed ones aside.
  bool at_rest() const { return busy_ == 0 && queue_.size() == 0; }

 protected:
  // What to do for a key (empty: nothing).
  virtual Decision reconcile(const std::string& key, MicroTime now) = 0;
  // One round of work on a key; an error makes it come again with back-off.
  virtual Task<Result<void>> sync(std::string key);
  // An action was carried out or failed; called before the next one of another batch starts.
  virtual void outcome(const std::string& key, const Action& action, const ApiStatus* error) {}
  // For metrics: what was decided, before it is carried out; and that a round on a key is over.
  virtual void decided(const std::string& key, const Decision& decision) {}
  virtual void round_over(const std::string& key, Duration took, const ApiStatus* error) {}
  // Runs first: the place to find out what to watch().
  virtual Task<void> prepare(StopToken stop) { co_return; }
  // Called once when the caches are there, before the first key.
  virtual void ready() {}

  // The shared informer of a resource; the controller starts when it has synced. Handlers added to
  // it must enqueue.
  client::Informer& watch(const schema::Resource& resource);
  void enqueue(std::string key) { queue_.add(std::move(key)); }
  void enqueue(const Object& object) { queue_.add(client::object_key(object)); }
  void enqueue_after(std::string key, Duration delay) { queue_.add_after(std::move(key), delay); }
  // Enqueues each object's own key whenever it changes.
  void enqueue_changes(client::Informer& informer);
  // Carries actions out. The first error ends what its batch has not started, and later batches.
  Task<Result<void>> execute(std::string key, std::vector<Action> actions);

  Context context_;
  std::string event_source_;  // component of its events, where upstream's is not the name

 private:
  // Actions that may run at once.
  struct Batch {
    std::span<Action> actions;
    size_t next = 0;
    std::optional<ApiStatus> error;
  };
  Task<void> run();
  Task<void> work();
  Task<void> process(std::string key);
  Task<void> carry_out(std::string key, Batch* work);
  Task<void> run_action(std::string key, Action action, std::optional<ApiStatus>* error);
  Task<Result<ObjectPtr>> send(const Action& action);
  void tell(const Action& action, const Result<ObjectPtr>& result);
  void note_write(const std::string& key, const Action& action, const ObjectPtr& result);

  std::string name_;
  int workers_;
  std::unordered_map<const schema::Resource*, client::Informer*> watched_;
  client::WorkQueue queue_;
  PendingWrites pending_;
  Gate gate_;
  StopSource stop_;
  int busy_ = 0;
};

}  // namespace tiphys::controllers
