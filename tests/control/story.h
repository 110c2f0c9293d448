// Story: a random sequence of wishes and mishaps in a SimCluster, and what must be true in the end.
// Everything follows from the seed. For tests only; one thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/control/sim_cluster.h"

namespace tiphys::control {

class Story {
 public:
  explicit Story(uint64_t seed);
  // `steps` things happen, then all mishaps end and the cluster comes to rest.
  void happen(int steps);
  // What is not as the spec asks for, a line each; empty: all is well.
  std::string wrong();
  // What happened so far, a line each.
  const std::string& told() const { return told_; }

 private:
  // What the user last asked for.
  struct Workload {
    const schema::Resource* resource = nullptr;
    std::string name;
    int64_t replicas = 0;
    bool exists = false;
    bool paused = false;
  };

  // story.cc
  void wish();
  void create(Workload& workload);
  void remove(Workload& workload);
  void change(Workload& workload);
  void change_daemon_set(Workload& workload);
  void mishap();
  void harm_a_pod();
  void lose_a_node();
  void disturb_requests();
  void bystanders();
  void heal();
  void tell(const std::string& what);
  void patch(const Workload& workload, const std::string& merge);
  cases::Reply post(const schema::Resource& resource, const std::string& json);
  std::vector<ObjectPtr> list(const schema::Resource& resource);
  uint64_t pick(uint64_t n) { return random_.below(n); }

  // story_end.cc
  void check_rest(std::string& wrong);
  void check_owners(std::string& wrong);
  void check_bystanders(std::string& wrong);
  void check_workloads(std::string& wrong);
  void check_deployment(const Object& object, std::string& wrong);
  template <class Kind>
  void check_replicas(const Object& object, std::string& wrong);
  void check_stateful_set(const Object& object, std::string& wrong);
  void check_daemon_set(const Object& object, std::string& wrong);
  void check_job(const Object& object, std::string& wrong);
  void check_endpoints(std::string& wrong);
  int64_t good_pods_of(std::string_view uid);

  SeededRandom random_;
  SimCluster cluster_;
  std::vector<Workload> workloads_;
  std::map<std::string, std::string> bystanders_;  // "resource/name" -> uid
  std::vector<std::string> down_;                  // nodes
  Duration jumped_{0};                             // by the wall clock
  std::string told_;
  std::string not_at_rest_;
};

}  // namespace tiphys::control
