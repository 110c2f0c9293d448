#include "apiserver/registry/convert_hpa.h"

#include <string>

#include "codec/codec.h"
#include "kinds/autoscaling_v1.h"
#include "kinds/autoscaling_v2.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kMetricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";
constexpr std::string_view kBehaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior";
constexpr std::string_view kConditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";
constexpr std::string_view kCurrentAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics";

uint16_t index_of(const schema::Message& type, std::string_view name) {
  return type.index_of(*type.find(name));
}

// Copies fields of the same name and shape from one struct to another.
void copy_named(Arena& arena, const schema::Message& from_type, const Node& from,
                const schema::Message& to_type, Node& to,
                std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    const Value& value = from.field(index_of(from_type, name));
    if (!value.is_null()) set_field(arena, to, index_of(to_type, name), arena.clone(value));
  }
}

const schema::Message& member_type(const schema::Message& type, std::string_view name) {
  return *type.find(name)->message;
}

bool is_cpu_utilization(autoscaling_v2::MetricSpec metric) {
  return metric.type() == "Resource" && metric.resource().name() == "cpu" &&
         metric.resource().target().has_average_utilization();
}

std::string list_json(const schema::Message& type, const Node& list) {
  std::string text = "[";
  for (uint32_t i = 0; i < list.size; ++i) {
    if (i > 0) text += ',';
    codec::encode_json(type, list.data[i].as_node(), text);
  }
  return text + "]";
}

// Reads a list of structs from an annotation into a field; what is no such list is ignored.
void list_from_annotation(Draft& draft, Node& node, const schema::Message& type,
                          std::string_view field, std::string_view text) {
  auto any = codec::decode_json_any(text, draft.arena());
  if (!any || any->type != ValueType::kList) return;
  Node& list = ensure_node(draft.arena(), node, index_of(type, field), ValueType::kList);
  for (const Value& item : any->node->items()) {
    auto converted = codec::from_any(item, *type.find(field)->message, draft.arena(), nullptr);
    if (converted) append(draft.arena(), list, Value::of_node(ValueType::kStruct, *converted));
  }
}

void erase_annotations(Draft& draft) {
  autoscaling_v2::HorizontalPodAutoscalerEdit edit(draft);
  if (!autoscaling_v2::HorizontalPodAutoscaler(draft.root()).has_metadata()) return;
  auto metadata = edit.edit_metadata();
  if (!meta_v1::ObjectMeta(metadata.node()).has_annotations()) return;
  auto annotations = metadata.edit_annotations();
  for (std::string_view key :
       {kMetricsAnnotation, kBehaviorAnnotation, kConditionsAnnotation, kCurrentAnnotation}) {
    annotations.erase(key);
  }
  if (meta_v1::ObjectMeta(metadata.node()).annotations().empty()) metadata.clear_annotations();
}

}  // namespace

Draft hpa_v1_to_v2(const Draft& source) {
  autoscaling_v1::HorizontalPodAutoscaler v1(source.root());
  Draft draft = autoscaling_v2::HorizontalPodAutoscaler::make();
  const schema::Message& type = draft.type();
  Arena& arena = draft.arena();
  copy_named(arena, source.type(), source.root(), type, draft.root(), {"metadata"});
  Node& spec = ensure_node(arena, draft.root(), index_of(type, "spec"), ValueType::kStruct);
  const schema::Message& spec_type = member_type(type, "spec");
  copy_named(arena, member_type(source.type(), "spec"), v1.spec().node(), spec_type, spec,
             {"scaleTargetRef", "minReplicas", "maxReplicas"});
  Node& status = ensure_node(arena, draft.root(), index_of(type, "status"), ValueType::kStruct);
  const schema::Message& status_type = member_type(type, "status");
  copy_named(arena, member_type(source.type(), "status"), v1.status().node(), status_type, status,
             {"observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"});
  auto annotations = v1.metadata().annotations();
  if (annotations.contains(kMetricsAnnotation)) {
    list_from_annotation(draft, spec, spec_type, "metrics", annotations.find(kMetricsAnnotation));
  }
  if (annotations.contains(kConditionsAnnotation)) {
    list_from_annotation(draft, status, status_type, "conditions",
                         annotations.find(kConditionsAnnotation));
  }
  if (annotations.contains(kBehaviorAnnotation)) {
    auto behavior = codec::decode_json(annotations.find(kBehaviorAnnotation),
                                       member_type(spec_type, "behavior"), arena, nullptr);
    if (behavior) {
      set_field(arena, spec, index_of(spec_type, "behavior"),
                Value::of_node(ValueType::kStruct, *behavior));
    }
  }
  if (v1.spec().has_target_cpu_utilization_percentage()) {
    autoscaling_v2::HorizontalPodAutoscalerEdit edit(draft);
    auto metric = edit.edit_spec().edit_metrics().append();
    metric.set_type("Resource");
    auto resource = metric.edit_resource();
    resource.set_name("cpu");
    resource.edit_target().set_type("Utilization");
    resource.edit_target().set_average_utilization(v1.spec().target_cpu_utilization_percentage());
  }
  erase_annotations(draft);
  return draft;
}

ObjectPtr hpa_v2_to_v1(const Object& source) {
  autoscaling_v2::HorizontalPodAutoscaler v2(source.root());
  Draft draft = autoscaling_v1::HorizontalPodAutoscaler::make();
  const schema::Message& type = draft.type();
  Arena& arena = draft.arena();
  copy_named(arena, source.type(), source.root(), type, draft.root(), {"metadata"});
  Node& spec = ensure_node(arena, draft.root(), index_of(type, "spec"), ValueType::kStruct);
  copy_named(arena, member_type(source.type(), "spec"), v2.spec().node(), member_type(type, "spec"),
             spec, {"scaleTargetRef", "minReplicas", "maxReplicas"});
  Node& status = ensure_node(arena, draft.root(), index_of(type, "status"), ValueType::kStruct);
  copy_named(arena, member_type(source.type(), "status"), v2.status().node(),
             member_type(type, "status"), status,
             {"observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"});
  autoscaling_v1::HorizontalPodAutoscalerEdit edit(draft);
  Value others = arena.make(ValueType::kList);
  bool found = false;
  for (autoscaling_v2::MetricSpec metric : v2.spec().metrics()) {
    if (!found && is_cpu_utilization(metric)) {
      found = true;
      edit.edit_spec().set_target_cpu_utilization_percentage(
          metric.resource().target().average_utilization());
    } else {
      append(arena, *others.node,
             Value::of_node(ValueType::kStruct, const_cast<Node*>(&metric.node())));
    }
  }
  if (others.node->size > 0) {
    edit.edit_metadata().edit_annotations().set(
        kMetricsAnnotation, list_json(autoscaling_v2::MetricSpec::message(), *others.node));
  }
  if (!v2.status().conditions().empty()) {
    edit.edit_metadata().edit_annotations().set(
        kConditionsAnnotation,
        list_json(autoscaling_v2::HorizontalPodAutoscalerCondition::message_type(),
                  v2.status().conditions().node()));
  }
  if (v2.spec().has_behavior()) {
    std::string text;
    codec::encode_json(autoscaling_v2::HorizontalPodAutoscalerBehavior::message(),
                       v2.spec().behavior().node(), text);
    edit.edit_metadata().edit_annotations().set(kBehaviorAnnotation, text);
  }
  return draft.freeze();
}

}  // namespace tiphys::apiserver
