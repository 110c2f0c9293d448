// StatefulSetPlanner: what a StatefulSet needs next: one look at it, its pods, claims and revisions
// gives every write of this round. Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/ and
// k8s.io/kubernetes pkg/controller/statefulset.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controllers/ownership.h"
#include "controllers/stateful_claims.h"

namespace tiphys::controllers {

// Pods of a parallel set that are created in one round.
inline constexpr int64_t kStatefulBurst = 500;

struct StatefulSetWorld {
  ObjectPtr set;
  std::vector<ObjectPtr> pods;       // that it controls or might adopt
  std::vector<ObjectPtr> revisions;  // the same
  // By name in the set's namespace, whoever owns it; null: none.
  std::function<ObjectPtr(std::string_view)> claim_named;
  std::function<ObjectPtr(std::string_view)> revision_named;
};

// Pods that may be unavailable during a rolling update, at least 1; nothing if the spec makes no
// sense.
std::optional<int32_t> max_unavailable_of(const apps_v1::StatefulSetSpec& spec);

class StatefulSetPlanner {
 public:
  StatefulSetPlanner(const StatefulSetWorld& world, MicroTime now);
  // Call once.
  Decision plan();

 private:
  struct Member {
    int64_t ordinal = 0;
    ObjectPtr pod;
  };

  // What is there. False: something changes hands, or a revision is written, first.
  bool claim_members();
  bool claim_revisions(const LabelSelector& selector);
  bool choose_revisions();
  bool is_passed(const Object& revision, int64_t next) const;
  bool create_revision(const std::string& data);
  void arrange(const std::vector<ObjectPtr>& pods);
  void truncate_history();

  // Pods (stateful_set_pods.cc). False: nothing more may happen in this round.
  bool keep_replicas();
  bool keep_replica(int64_t ordinal, const ObjectPtr& pod);
  bool repair(int64_t ordinal, const Object& pod);
  void create_replica(int64_t ordinal);
  ObjectPtr new_pod(int64_t ordinal);
  ObjectPtr claim_of(const core_v1::PersistentVolumeClaim& claim_template, int64_t ordinal) const;
  bool create_missing_claims(int64_t ordinal, const Object* pod);
  void create_claim(const ObjectPtr& claim, int64_t ordinal, const Object* pod);
  void note_creation_failure(int64_t ordinal, const std::string& why);
  // True: changes some.
  bool fix_claim_owners(int64_t ordinal, const Object& pod);
  bool scale_down();
  void roll();
  void delete_pod(const ObjectPtr& pod);

  // Status (stateful_set_status.cc).
  void put_status();
  std::vector<ObjectPtr> members() const;
  void count(apps_v1::StatefulSetStatusEdit status) const;
  void look_when_available();

  bool is_available(const Object& pod) const;
  bool ordered() const;
  int64_t start() const;
  int64_t end() const;  // the first ordinal beyond
  ClaimUser user(int64_t ordinal, const Object* pod) const;
  Note note(std::string_view type, std::string_view reason, std::string message) const;
  // "create Pod web-0 in StatefulSet web" successful or failed, on the action.
  void tell(Action& action, std::string_view verb, std::string_view pod_name) const;

  const StatefulSetWorld& world_;
  MicroTime now_;
  apps_v1::StatefulSet set_;
  std::vector<ObjectPtr> revisions_;  // sorted
  ObjectPtr current_;
  ObjectPtr update_;
  std::map<int64_t, ObjectPtr> replicas_;  // by ordinal, those that the set wants
  std::vector<Member> condemned_;          // highest ordinal first
  std::set<const Object*> deleted_;        // in this round
  int batch_ = 0;                          // the first after all creations
  Decision decision_;
};

}  // namespace tiphys::controllers
