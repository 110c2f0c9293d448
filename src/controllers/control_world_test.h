// ControlWorld: the controllers on virtual time against the model API server, with model nodes.
// For tests only.
#pragma once
#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "client/object_key.h"
#include "controllers/controller_manager.h"
#include "controllers/resources.h"
#include "kinds/apps_v1.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"
#include "tests/fake/fake_api.h"
#include "tests/fake/fake_nodes.h"

namespace tiphys::controllers {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class ControlWorld {
 public:
  explicit ControlWorld(uint64_t seed = 1, std::vector<std::string> controllers = {"*"})
      : random(seed), api(loop, seed) {
    // Nodes are made by tests that look at them; the others are about what runs on them.
    controllers.push_back("-pod-garbage-collector-controller");
    options.controllers = std::move(controllers);
    options.root_ca_pem = "CA";
    make_namespace("default");
    start();
  }
  ~ControlWorld() {
    stop();
    loop.run(nodes.stop());
  }

  void start() {
    auto made = ControllerManager::create(loop, client, random, options);
    ASSERT_TRUE(made) << made.error().message();
    manager = std::move(*made);
    manager->start();
  }
  void stop() {
    loop.run(manager->stop());
    manager.reset();
  }
  void restart() {
    stop();
    start();
  }
  // Runs until nothing is written for a while of virtual time; false: not within the limit.
  bool settle(Duration limit = minutes(30), Duration quiet = seconds(10)) {
    MonoTime end = loop.mono() + limit;
    while (loop.mono() < end) {
      int64_t before = api.store().revision();
      loop.run_for(quiet);
      if (api.store().revision() == before) return true;
    }
    return false;
  }
  void make_namespace(std::string_view name) {
    Draft draft = core_v1::Namespace::make();
    edit_metadata(draft).set_name(name);
    api.put(namespaces(), draft.freeze());
  }
  ObjectPtr make_deployment(std::string_view name, int32_t replicas,
                            std::string_view image = "nginx:1", bool rolling = true) {
    Draft draft = apps_v1::Deployment::make();
    apps_v1::DeploymentEdit deployment(draft);
    deployment.edit_metadata().set_name(name);
    deployment.edit_metadata().set_namespace("default");
    apps_v1::DeploymentSpecEdit spec = deployment.edit_spec();
    spec.set_replicas(replicas);
    spec.set_revision_history_limit(10);
    spec.set_progress_deadline_seconds(600);
    spec.edit_selector().edit_match_labels().set("app", name);
    spec.edit_template().edit_metadata().edit_labels().set("app", name);
    core_v1::ContainerEdit container = spec.edit_template().edit_spec().edit_containers().append();
    container.set_name("c");
    container.set_image(image);
    spec.edit_strategy().set_type(rolling ? "RollingUpdate" : "Recreate");
    if (rolling) {
      auto update = spec.edit_strategy().edit_rolling_update();
      update.set_max_surge(Value::of_text(ValueType::kString, "25%"));
      update.set_max_unavailable(Value::of_text(ValueType::kString, "25%"));
    }
    return api.put(deployments(), draft.freeze());
  }
  // Changes an object as a user would. Fn takes an editor of the kind.
  template <class Edit, class Fn>
  void change(const schema::Resource& resource, std::string_view name, Fn fn) {
    ObjectPtr object = api.get(resource, resource.namespaced ? "default" : "", name);
    ASSERT_TRUE(object);
    Draft draft(*object);
    Edit edit(draft);
    fn(edit);
    api.put(resource, draft.freeze());
  }
  void set_image(std::string_view name, std::string_view image) {
    change<apps_v1::DeploymentEdit>(deployments(), name, [&](apps_v1::DeploymentEdit& edit) {
      edit.edit_spec().edit_template().edit_spec().edit_containers()[0].set_image(image);
    });
  }
  void scale(std::string_view name, int32_t replicas) {
    change<apps_v1::DeploymentEdit>(deployments(), name, [&](apps_v1::DeploymentEdit& edit) {
      edit.edit_spec().set_replicas(replicas);
    });
  }
  ObjectPtr deployment(std::string_view name) { return api.get(deployments(), "default", name); }
  apps_v1::DeploymentCondition condition(const Object& deployment, std::string_view type) {
    for (auto c : apps_v1::Deployment(deployment).status().conditions()) {
      if (c.type() == type) return c;
    }
    return apps_v1::DeploymentCondition();
  }
  int32_t count_pods(bool only_ready = false) {
    int32_t count = 0;
    for (const ObjectPtr& object : api.list(pods(), "default")) {
      if (is_deleting(*object)) continue;
      bool ready = false;
      for (auto c : core_v1::Pod(*object).status().conditions()) {
        ready = ready || (c.type() == "Ready" && c.status() == "True");
      }
      if (ready || !only_ready) ++count;
    }
    return count;
  }
  std::multiset<std::string> event_texts(std::string_view reason) {
    std::multiset<std::string> texts;
    for (const ObjectPtr& object : api.list(*schema::find_resource("", "v1", "events"))) {
      core_v1::Event event(*object);
      if (event.reason() == reason) texts.insert(std::string(event.message()));
    }
    return texts;
  }

  SimLoop loop;
  SeededRandom random;
  fake::FakeApi api;
  fake::FakeNodes nodes{loop, api, random, {"node-1", "node-2"}};
  client::Client client{api, "kube-controller-manager"};
  ControllerManager::Options options;
  std::unique_ptr<ControllerManager> manager;
};

}  // namespace tiphys::controllers
