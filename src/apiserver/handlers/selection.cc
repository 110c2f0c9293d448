#include "apiserver/handlers/selection.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "object/selector.h"
#include "schema/message.h"

namespace tiphys::apiserver {
namespace {

struct FieldRow {
  std::string_view group;
  std::string_view resource;
  std::string_view label;         // as clients write it
  std::string_view path;          // in the stored object; empty: always ""
  std::string_view instead = "";  // the path that counts where the first is empty
};

// Kinds that select by name only, not by namespace.
struct ClusterRow {
  std::string_view group;
  std::string_view resource;
};
const ClusterRow kNoNamespace[] = {{"", "nodes"},
                                   {"", "namespaces"},
                                   {"certificates.k8s.io", "certificatesigningrequests"},
                                   {"resource.k8s.io", "resourceslices"}};

// pkg/apis/<group>/v1/conversion.go and the strategies' ToSelectableFields.
const FieldRow kRows[] = {
    {"", "pods", "spec.nodeName", "spec.nodeName"},
    {"", "pods", "spec.host", "spec.nodeName"},  // of old clients
    {"", "pods", "spec.restartPolicy", "spec.restartPolicy"},
    {"", "pods", "spec.schedulerName", "spec.schedulerName"},
    {"", "pods", "spec.serviceAccountName", "spec.serviceAccountName"},
    {"", "pods", "spec.hostNetwork", "spec.hostNetwork"},
    {"", "pods", "status.phase", "status.phase"},
    {"", "pods", "status.podIP", "status.podIP"},
    {"", "pods", "status.podIPs", ""},  // known, but never set
    {"", "pods", "status.nominatedNodeName", "status.nominatedNodeName"},
    {"", "nodes", "spec.unschedulable", "spec.unschedulable"},
    {"", "namespaces", "status.phase", "status.phase"},
    {"", "secrets", "type", "type"},
    {"", "services", "spec.clusterIP", "spec.clusterIP"},
    {"", "services", "spec.type", "spec.type"},
    {"", "replicationcontrollers", "status.replicas", "status.replicas"},
    {"batch", "jobs", "status.successful", "status.succeeded"},
    {"certificates.k8s.io", "certificatesigningrequests", "spec.signerName", "spec.signerName"},
    {"resource.k8s.io", "resourceslices", "spec.nodeName", "spec.nodeName"},
    {"resource.k8s.io", "resourceslices", "spec.driver", "spec.driver"},
    {"", "events", "involvedObject.kind", "involvedObject.kind"},
    {"", "events", "involvedObject.namespace", "involvedObject.namespace"},
    {"", "events", "involvedObject.name", "involvedObject.name"},
    {"", "events", "involvedObject.uid", "involvedObject.uid"},
    {"", "events", "involvedObject.apiVersion", "involvedObject.apiVersion"},
    {"", "events", "involvedObject.resourceVersion", "involvedObject.resourceVersion"},
    {"", "events", "involvedObject.fieldPath", "involvedObject.fieldPath"},
    {"", "events", "reason", "reason"},
    {"", "events", "reportingComponent", "reportingComponent"},
    {"", "events", "source", "source.component", "reportingComponent"},
    {"", "events", "type", "type"},
    {"events.k8s.io", "events", "regarding.kind", "involvedObject.kind"},
    {"events.k8s.io", "events", "regarding.namespace", "involvedObject.namespace"},
    {"events.k8s.io", "events", "regarding.name", "involvedObject.name"},
    {"events.k8s.io", "events", "regarding.uid", "involvedObject.uid"},
    {"events.k8s.io", "events", "regarding.apiVersion", "involvedObject.apiVersion"},
    {"events.k8s.io", "events", "regarding.resourceVersion", "involvedObject.resourceVersion"},
    {"events.k8s.io", "events", "regarding.fieldPath", "involvedObject.fieldPath"},
    {"events.k8s.io", "events", "reason", "reason"},
    {"events.k8s.io", "events", "reportingController", "reportingComponent"},
    {"events.k8s.io", "events", "type", "type"},
};

const FieldRow* find_row(const schema::Resource& resource, std::string_view label) {
  static const FieldRow kName{"", "", "metadata.name", "metadata.name"};
  static const FieldRow kNamespace{"", "", "metadata.namespace", "metadata.namespace"};
  if (label == "metadata.name") return &kName;
  if (label == "metadata.namespace") {
    for (const ClusterRow& row : kNoNamespace) {
      if (row.group == resource.group && row.resource == resource.resource) return nullptr;
    }
    // Other cluster-scoped kinds have it too, as the empty text.
    return &kNamespace;
  }
  for (const FieldRow& row : kRows) {
    if (row.group == resource.group && row.resource == resource.resource && row.label == label) {
      return &row;
    }
  }
  return nullptr;
}

std::string scalar_text(const Value& value, schema::FieldKind kind) {
  switch (value.type) {
    case ValueType::kBool:
      return value.as_bool() ? "true" : "false";
    case ValueType::kInt:
      return std::to_string(value.as_int());
    case ValueType::kString:
      return std::string(value.as_text());
    default:
      break;
  }
  if (kind == schema::FieldKind::kBool) return "false";
  if (kind == schema::FieldKind::kInt32 || kind == schema::FieldKind::kInt64) return "0";
  return "";
}

// One term, with its path resolved to field indexes of the stored type.
struct FieldAt {
  std::vector<uint16_t> path;
  schema::FieldKind kind = schema::FieldKind::kString;

  std::string text(const Object& object) const {
    const Node* node = &object.root();
    const Value* at = &kNullValue;
    for (uint16_t index : path) {
      at = &node->field(index);
      node = &at->as_node();
    }
    return scalar_text(*at, kind);
  }
};

struct Term {
  FieldAt field;
  FieldAt instead;
  std::string value;
  bool negated = false;

  bool holds(const Object& object) const {
    std::string text = field.text(object);
    if (text.empty()) text = instead.text(object);
    return (text == value) != negated;
  }
};

FieldAt resolve(const schema::Message& type, std::string_view path) {
  FieldAt found;
  const schema::Message* at = &type;
  for (std::string_view name : split(path, '.')) {
    const schema::Field* field = at ? at->find(name) : nullptr;
    if (!field) return {};
    found.path.push_back(at->index_of(*field));
    found.kind = field->kind;
    at = field->message;
  }
  return found;
}

// Kinds with rows of their own word it otherwise than those with the default conversion.
ApiStatus unsupported_label(const schema::Resource& resource, std::string_view label) {
  if (resource.resource == "jobs") {
    return ApiStatus::bad_request("field label " + go_quote(label) + " not supported for Job");
  }
  if (resource.resource == "resourceslices") {
    return ApiStatus::bad_request("field label not supported for resource.k8s.io/" +
                                  std::string(resource.version) +
                                  ", Kind=ResourceSlice: " + std::string(label));
  }
  for (const FieldRow& row : kRows) {
    bool own = row.group == resource.group && row.resource == resource.resource;
    if (own) {
      return ApiStatus::bad_request("field label not supported: " + std::string(label));
    }
  }
  return ApiStatus::bad_request(go_quote(label) +
                                " is not a known field selector: only "
                                "\"metadata.name\", \"metadata.namespace\"");
}

struct Compiled {
  LabelSelector labels;
  std::vector<Term> fields;

  bool matches(const Object& object) const {
    if (!labels.empty() && !labels.matches(MetaView(object).labels())) return false;
    for (const Term& term : fields) {
      if (!term.holds(object)) return false;
    }
    return true;
  }
};

}  // namespace

Result<Selection> make_selection(const schema::Resource& resource, std::string_view labels,
                                 std::string_view fields) {
  Selection selection;
  if (labels.empty() && fields.empty()) return selection;
  if (labels.size() + fields.size() > kMaxSelectorBytes) {
    return ApiStatus::bad_request("selectors are longer than " + std::to_string(kMaxSelectorBytes) +
                                  " bytes");
  }
  auto compiled = std::make_shared<Compiled>();
  TIPHYS_TRY(LabelSelector, label_selector, LabelSelector::parse(labels));
  compiled->labels = std::move(label_selector);
  TIPHYS_TRY(FieldSelector, field_selector, FieldSelector::parse(fields));
  const schema::Message& type =
      resource.storage_message ? *resource.storage_message : *resource.message;
  for (const FieldSelector::Term& asked : field_selector.terms()) {
    const FieldRow* row = find_row(resource, asked.field);
    if (!row) return unsupported_label(resource, asked.field);
    if (asked.equal && asked.field == "metadata.name") selection.name = asked.value;
    if (asked.equal && asked.field == "metadata.namespace") selection.ns = asked.value;
    Term term;
    term.field = resolve(type, row->path);
    term.instead = resolve(type, row->instead);
    term.value = asked.value;
    term.negated = !asked.equal;
    compiled->fields.push_back(std::move(term));
  }
  selection.predicate = [compiled](const Object& object) { return compiled->matches(object); };
  return selection;
}

}  // namespace tiphys::apiserver
