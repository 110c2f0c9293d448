#include "controllers/pod_control.h"

#include "controllers/resources.h"

namespace tiphys::controllers {

Action create_pod_action(ObjectPtr pod, ObjectPtr owner) {
  Action action = create_action(pods(), std::move(pod));
  action.tag = "create";
  action.success = Note{owner, "Normal", "SuccessfulCreate", "Created pod: "};
  action.failure = Note{std::move(owner), "Warning", "FailedCreate", "Error creating: "};
  return action;
}

Action delete_pod_action(ObjectPtr pod, ObjectPtr owner) {
  Action action = delete_action(pods(), std::move(pod));
  action.tag = "delete";
  action.success = Note{owner, "Normal", "SuccessfulDelete", "Deleted pod: "};
  action.failure = Note{std::move(owner), "Warning", "FailedDelete", "Error deleting: "};
  return action;
}

}  // namespace tiphys::controllers
