// The status of a StatefulSet.
#include "controllers/controller_revision.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "controllers/stateful_set_plan.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

std::vector<ObjectPtr> StatefulSetPlanner::members() const {
  std::vector<ObjectPtr> result;
  for (const auto& [ordinal, pod] : replicas_) result.push_back(pod);
  for (const Member& member : condemned_) result.push_back(member.pod);
  return result;
}

void StatefulSetPlanner::count(apps_v1::StatefulSetStatusEdit status) const {
  int32_t ready = 0;
  int32_t available = 0;
  int32_t of_current = 0;
  int32_t of_update = 0;
  std::vector<ObjectPtr> all = members();
  for (const ObjectPtr& pod : all) {
    core_v1::Pod view(*pod);
    bool is_ready = view.status().phase() == "Running" && kinds::is_ready(view);
    if (is_ready) ++ready;
    if (is_ready && is_pod_available(view, set_.spec().min_ready_seconds(), now_)) ++available;
    if (is_deleting(*pod)) continue;
    std::string_view revision = view.metadata().labels().find(kPodRevisionLabel);
    if (revision == name_of(*current_)) ++of_current;
    if (revision == name_of(*update_)) ++of_update;
  }
  status.set_replicas(static_cast<int32_t>(all.size()));
  status.set_ready_replicas(ready);
  status.set_available_replicas(available);
  status.set_current_replicas(of_current);
  status.set_updated_replicas(of_update);
}

void StatefulSetPlanner::put_status() {
  Draft draft(*world_.set);
  apps_v1::StatefulSetStatusEdit status = apps_v1::StatefulSetEdit(draft).edit_status();
  status.set_observed_generation(set_.metadata().generation());
  status.set_current_revision(name_of(*current_));
  status.set_update_revision(name_of(*update_));
  status.set_collision_count(set_.status().collision_count());
  count(status);
  apps_v1::StatefulSetStatus now = status.view();
  auto wanted = static_cast<int32_t>(end() - start());
  bool complete = set_.spec().update_strategy().type() == "RollingUpdate" &&
                  now.updated_replicas() == wanted && now.ready_replicas() == wanted &&
                  now.replicas() == wanted;
  if (complete) {
    status.set_current_replicas(now.updated_replicas());
    status.set_current_revision(name_of(*update_));
  }
  if (equal(status.view(), set_.status())) return;
  decision_.add(update_action(stateful_sets(), draft.freeze(), "status"));
}

void StatefulSetPlanner::look_when_available() {
  for (const ObjectPtr& pod : members()) {
    auto delay = until_available(core_v1::Pod(*pod), set_.spec().min_ready_seconds(), now_);
    if (delay) decision_.look_again_in(*delay);
  }
}

}  // namespace tiphys::controllers
