// Action: one thing that a controller wants done through the API, and what to tell about it.
// Decision: all that a look at one key led to. Values; made by pure code, carried out by the shell
// (controller.h).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"

namespace tiphys::controllers {

// An Event to record.
struct Note {
  ObjectPtr about;
  std::string type;  // "Normal" or "Warning"
  std::string reason;
  std::string message;
};

struct Action {
  enum class Verb : uint8_t {
    kCreate,
    kUpdate,  // of `object`, conflict-checked by its resourceVersion
    kPatch,   // of `object` with `patch`
    kDelete,  // of exactly `object` (by uid)
    kVerify,  // fails unless `object` is alive on the server: not replaced, not being deleted
    kNote,    // only `success`
  };
  Verb verb = Verb::kNote;
  const schema::Resource* resource = nullptr;
  ObjectPtr object;
  std::string subresource;
  std::string patch;  // kPatch, JSON; a uid or resourceVersion in it guards the object
  client::PatchType patch_type = client::PatchType::kStrategic;  // kPatch
  std::string propagation_policy;                                // kDelete
  std::optional<int64_t> grace_seconds;                          // kDelete
  // Actions of a batch run at once; batches run in order, until one fails.
  int batch = 0;
  bool exists_is_fine = false;      // kCreate: AlreadyExists is a success
  bool missing_is_fine = true;      // kDelete, kUpdate, kPatch: NotFound is a success
  bool terminating_is_fine = true;  // kCreate: a namespace being deleted ends it quietly
  // Recorded afterwards; the message gets the written object's name or the error appended.
  std::optional<Note> success;
  std::optional<Note> failure;
  bool name_in_message = true;  // of success, for creations and deletions
  std::string tag;              // for the controller's own use in outcome()
};

struct Decision {
  std::vector<Action> actions;
  // Look again then, even if nothing changes.
  std::optional<Duration> look_again;
  std::string tag;  // for the controller's own use in decided()

  Action& add(Action action) { return actions.emplace_back(std::move(action)); }
  void look_again_in(Duration delay) {
    if (!look_again || delay < *look_again) look_again = delay;
  }
};

Action create_action(const schema::Resource& resource, ObjectPtr object);
Action update_action(const schema::Resource& resource, ObjectPtr object,
                     std::string subresource = "");
Action patch_action(const schema::Resource& resource, ObjectPtr object, std::string patch);
Action delete_action(const schema::Resource& resource, ObjectPtr object);
Action verify_action(const schema::Resource& resource, ObjectPtr object);
Action note_action(ObjectPtr about, std::string type, std::string reason, std::string message);

// Batches of creations that start slowly, 1, 2, 4... at once: if the first fails (a quota, a bad
// template) the rest is not tried.
class SlowStart {
 public:
  explicit SlowStart(int first_batch = 0) : batch_(first_batch) {}
  // The batch of the next creation.
  int next();

 private:
  int batch_;
  int32_t size_ = 1;
  int32_t left_ = 1;
};

}  // namespace tiphys::controllers
