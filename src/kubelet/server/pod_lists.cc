#include "kubelet/server/pod_lists.h"

#include "codec/codec.h"

namespace tiphys::kubelet {
namespace {

std::string json_of(const Draft& draft) {
  std::string json;
  codec::encode_object(codec::Format::kJson, draft.type(), draft.root(), draft.gvk(), json);
  return json;
}

void add_running(const PodWorker& worker, core_v1::PodListEdit list) {
  std::vector<const ContainerRecord*> running;
  for (const ContainerRecord& container : worker.runtime_state().containers) {
    if (container.state == ContainerState::kRunning) running.push_back(&container);
  }
  if (running.empty()) return;
  meta_v1::ObjectMeta of = core_v1::Pod(*worker.pod()).metadata();
  core_v1::PodEdit pod = list.edit_items().append();
  pod.edit_metadata().set_name(of.name());
  pod.edit_metadata().set_namespace(of.namespace_());
  pod.edit_metadata().set_uid(of.uid());
  for (const ContainerRecord* container : running) {
    core_v1::ContainerEdit edit = pod.edit_spec().edit_containers().append();
    edit.set_name(container->name);
    edit.set_image(container->image);
  }
}

}  // namespace

std::string pod_list_json(const PodManager& pods) {
  Draft draft = core_v1::PodList::make();
  core_v1::PodListEdit list(draft);
  list.edit_items();
  for (const ObjectPtr& pod : pods.all_pods()) list.edit_items().append(core_v1::Pod(*pod));
  return json_of(draft);
}

std::string running_pods_json(const PodManager& pods) {
  Draft draft = core_v1::PodList::make();
  core_v1::PodListEdit list(draft);
  list.edit_items();
  for (const PodWorker* worker : pods.workers()) add_running(*worker, list);
  return json_of(draft);
}

}  // namespace tiphys::kubelet
