#include "apiserver/resource_metrics/metrics_objects.h"

#include "kinds/core_v1.h"
#include "kinds/metrics_v1beta1.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

void fill_usage(MapEdit<std::string_view> edit, const Usage& usage) {
  edit.set("cpu", Quantity::nano(usage.nano_cores).text());
  edit.set("memory", Quantity(usage.memory_bytes, Quantity::Format::kBinarySi).text());
}

void fill_metadata(meta_v1::ObjectMetaEdit edit, meta_v1::ObjectMeta of, MicroTime now) {
  edit.set_name(of.name());
  if (!of.namespace_().empty()) edit.set_namespace(of.namespace_());
  edit.set_creation_timestamp(now);
  if (!of.labels().empty()) edit.set_labels(of.labels());
}

}  // namespace

ObjectPtr node_metrics(const Object& node, const UsageStore& store, MicroTime now) {
  core_v1::Node of(node);
  std::optional<Usage> usage = store.node(std::string(of.metadata().name()));
  if (!usage) return nullptr;
  Draft draft = metrics_v1beta1::NodeMetrics::make();
  metrics_v1beta1::NodeMetricsEdit edit(draft);
  fill_metadata(edit.edit_metadata(), of.metadata(), now);
  edit.set_timestamp(usage->time);
  edit.set_window(usage->window.count());
  fill_usage(edit.edit_usage(), *usage);
  return draft.freeze();
}

ObjectPtr pod_metrics(const Object& pod, const UsageStore& store, MicroTime now) {
  core_v1::Pod of(pod);
  PodName name{of.metadata().namespace_(), of.metadata().name()};
  std::vector<ContainerUsage> containers = store.pod(std::string(of.spec().node_name()), name);
  if (containers.empty()) return nullptr;
  Draft draft = metrics_v1beta1::PodMetrics::make();
  metrics_v1beta1::PodMetricsEdit edit(draft);
  fill_metadata(edit.edit_metadata(), of.metadata(), now);
  const Usage* earliest = &containers[0].usage;
  for (const ContainerUsage& container : containers) {
    if (container.usage.time < earliest->time) earliest = &container.usage;
    metrics_v1beta1::ContainerMetricsEdit one = edit.edit_containers().append();
    one.set_name(container.name);
    fill_usage(one.edit_usage(), container.usage);
  }
  edit.set_timestamp(earliest->time);
  edit.set_window(earliest->window.count());
  return draft.freeze();
}

}  // namespace tiphys::apiserver
