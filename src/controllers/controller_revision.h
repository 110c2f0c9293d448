// ControllerRevision: the templates that a DaemonSet or StatefulSet had, as objects to roll back
// to. Pure. Source: k8s.io/kubernetes pkg/controller/history; `kubectl rollout history` and `undo`
// read them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kinds/core_v1.h"
#include "object/object.h"

namespace tiphys::controllers {

inline constexpr std::string_view kRevisionHashLabel = "controller.kubernetes.io/hash";
inline constexpr std::string_view kPodRevisionLabel = "controller-revision-hash";

// Numbers made into letters and digits that spell no words (apimachinery's rand.SafeEncodeString).
std::string safe_encoded(std::string_view text);

// A template as a revision's data: the strategic merge patch of the owner that puts it back.
std::string revision_data(const core_v1::PodTemplateSpec& pod_template);
// What tells revisions apart in names. `collisions`: the owner's status.collisionCount.
std::string revision_hash(std::string_view data, std::optional<int32_t> collisions);
// The template that a revision holds, in `arena`. Error: the data is no such patch.
Result<core_v1::PodTemplateSpec> revision_template(const Object& revision, Arena& arena);

// "<owner>-<hash>", controlled by the owner, labelled as its pods and with the hash (those of a
// DaemonSet with kPodRevisionLabel).
ObjectPtr new_revision(const Object& owner, const core_v1::PodTemplateSpec& pod_template,
                       std::string_view data, std::string_view hash, int64_t number,
                       std::string_view hash_label = kRevisionHashLabel);
// The same revision with another number.
ObjectPtr renumbered(const Object& revision, int64_t number);

// By revision, then age, then name.
void sort_revisions(std::vector<ObjectPtr>& revisions);
// The last of those that hold this data; null: none does.
ObjectPtr find_revision(const std::vector<ObjectPtr>& sorted, std::string_view data);
// One more than the highest; the highest of all numbers is not passed. Requires: sorted.
int64_t next_revision(const std::vector<ObjectPtr>& sorted);
// Those to delete so that `limit` of the ones that are not `live` (by name) stay, oldest first.
std::vector<ObjectPtr> surplus_revisions(const std::vector<ObjectPtr>& sorted,
                                         const std::vector<std::string>& live, int32_t limit);

}  // namespace tiphys::controllers
