// The whole scheduler on virtual time against a model API server, for tests of the shell.
#pragma once
#include "async/sim_loop.h"
#include "client/object_key.h"
#include "scheduler/objects_test.h"
#include "scheduler/scheduler.h"
#include "tests/fake/fake_api.h"

namespace tiphys::scheduler {

inline const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
inline const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
inline const schema::Resource& events() { return *schema::find_resource("", "v1", "events"); }

class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest() { scheduler.start(); }
  ~SchedulerTest() override { loop.run(scheduler.stop()); }

  void node(const NodeShape& shape) { api.put(nodes(), node_object(shape)); }
  void pod(const PodShape& shape) {
    Draft draft(*pod_object(shape));
    core_v1::PodEdit(draft).edit_metadata().clear_uid();
    api.put(pods(), draft.freeze());
  }
  std::string placed(const char* name) {
    ObjectPtr object = api.get(pods(), "default", name);
    return object ? std::string(core_v1::Pod(*object).spec().node_name()) : "deleted";
  }
  std::string condition(const char* name) {
    core_v1::Pod view(*api.get(pods(), "default", name));
    for (core_v1::PodCondition c : view.status().conditions()) {
      if (c.type() == "PodScheduled") {
        return std::string(c.status()) + " " + std::string(c.reason()) + ": " +
               std::string(c.message());
      }
    }
    return "none";
  }
  std::vector<std::string> event_texts() {
    std::vector<std::string> texts;
    for (const ObjectPtr& object : api.list(events())) {
      core_v1::Event event(*object);
      texts.push_back(std::string(event.source().component()) + " " + std::string(event.type()) +
                      " " + std::string(event.reason()) + ": " + std::string(event.message()));
    }
    return texts;
  }

  SimLoop loop;
  SeededRandom random{1};
  fake::FakeApi api{loop};
  client::Client client{api, "kube-scheduler"};
  Scheduler scheduler{loop, client, random};
};

}  // namespace tiphys::scheduler
