// Rules of storage.k8s.io that are no rows (pkg/apis/storage/validation).
#include <map>
#include <set>
#include <vector>

#include "apiserver/validation/persistent_volume.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/semantic_equal.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxParameters = 512;
constexpr size_t kMaxMapBytes = 256 * 1024;
constexpr size_t kMaxNodeId = 256;

size_t bytes_of(const MapView<std::string_view>& map) {
  size_t total = 0;
  for (auto [key, value] : map) total += key.size() + value.size();
  return total;
}

}  // namespace

void call_provisioner(const RuleInput& input, FieldErrors& errors) {
  std::string_view name = input.value.as_text();
  if (name.empty()) return errors.required(input.path);
  std::string lower = to_lower(name);
  for (const std::string& message : check_qualified_name(lower)) {
    errors.invalid(input.path, lower, message);
  }
}

void call_storage_parameters(const RuleInput& input, FieldErrors& errors) {
  MapView<std::string_view> parameters(input.value.as_node());
  if (parameters.size() > kMaxParameters) return errors.too_long(input.path, kMaxParameters);
  if (parameters.contains("")) errors.invalid(input.path, "", "field can not be empty.");
  if (bytes_of(parameters) > kMaxMapBytes) errors.too_long(input.path, kMaxMapBytes);
}

// A volume by its name, or a volume that is written out.
void call_attachment_source(const RuleInput& input, FieldErrors& errors) {
  constexpr std::string_view kOne =
      "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  storage_v1::VolumeAttachmentSource source(input.value.as_node());
  bool named = source.has_persistent_volume_name();
  if (named == source.has_inline_volume_spec()) {
    if (named) {
      errors.forbidden(input.path, kOne);
    } else {
      errors.required(input.path, kOne);
    }
  } else if (named && source.persistent_volume_name().empty()) {
    errors.required(input.path.child("persistentVolumeName"),
                    "must specify non empty persistentVolumeName");
  } else if (!named) {
    validate_inline_volume(source.inline_volume_spec(), input.path.child("inlineVolumeSpec"),
                           errors);
  }
}

void call_attachment_metadata(const RuleInput& input, FieldErrors& errors) {
  MapView<std::string_view> metadata(input.value.as_node());
  if (bytes_of(metadata) > kMaxMapBytes) errors.too_long(input.path, kMaxMapBytes);
}

// Upstream names another limit than the one it has.
void call_volume_error_message(const RuleInput& input, FieldErrors& errors) {
  constexpr size_t kMaxMessage = 1024;
  if (input.value.size > kMaxMessage) errors.too_long(input.path, kMaxMapBytes);
}

void call_csi_node_id(const RuleInput& input, FieldErrors& errors) {
  if (input.value.as_text().empty()) return errors.required(input.path);
  if (input.value.size <= kMaxNodeId) return;
  errors.invalid(input.path, input.value.as_text(),
                 "must be " + std::to_string(kMaxNodeId) + " characters or less");
}

// A driver stands in the list once.
void call_csi_driver_once(const RuleInput& input, FieldErrors& errors) {
  for (storage_v1::CSINodeDriver driver :
       storage_v1::CSINode(input.scope.object).spec().drivers()) {
    if (&driver.node() == &input.parent) return;
    if (driver.name() != input.value.as_text()) continue;
    return errors.duplicate(input.path, input.value.as_text());
  }
}

void call_csi_topology_keys(const RuleInput& input, FieldErrors& errors) {
  ListView<std::string_view> keys(input.value.as_node());
  std::set<std::string_view> seen;
  // Upstream names the driver, not the key.
  std::string_view text = input.path.text();
  FieldPath path(text.substr(0, text.rfind('.')));
  for (std::string_view key : keys) {
    if (key.empty()) errors.required(path);
    if (!seen.insert(key).second) errors.duplicate(path, key);
    for (const std::string& message : check_qualified_name(key)) {
      errors.invalid(path, key, message);
    }
  }
}

// Drivers may come and go; what one says stays, how many volumes it takes aside.
void call_csi_drivers_kept(const RuleInput& input, FieldErrors& errors) {
  const schema::Message& type = storage_v1::CSINodeDriver::message();
  Arena arena;
  auto bare = [&arena](const Value& driver) {
    storage_v1::CSINodeDriverEdit edit(arena, *arena.clone(driver).node);
    edit.clear_allocatable();
    return edit;
  };
  for (const Value& before : input.old.as_node().items()) {
    for (const Value& after : input.value.as_node().items()) {
      storage_v1::CSINodeDriverEdit old = bare(before);
      storage_v1::CSINodeDriverEdit now = bare(after);
      if (old.view().name() != now.view().name()) continue;
      if (semantic_equal(type, old.node(), now.node())) continue;
      std::string printed;
      codec::encode_json(type, now.node(), printed);
      errors.invalid_raw(input.path, printed, "field is immutable");
    }
  }
}

// Upstream's path is not the field's name.
void call_attach_required_kept(const RuleInput& input, FieldErrors& errors) {
  if (equal(input.value, input.old)) return;
  errors.invalid_raw(FieldPath("spec").child("attachedRequired"),
                     printed_value(*input.field, input.value), "field is immutable");
}

void call_token_requests(const RuleInput& input, FieldErrors& errors) {
  constexpr int64_t kMinSeconds = 600;
  constexpr int64_t kMaxSeconds = int64_t{1} << 32;
  ListView<storage_v1::TokenRequest> requests(input.value.as_node());
  std::set<std::string_view> seen;
  for (size_t i = 0; i < requests.size(); ++i) {
    FieldPath path = input.path.index(i);
    if (!seen.insert(requests[i].audience()).second) {
      errors.duplicate(path.child("audience"), requests[i].audience());
      continue;
    }
    if (!requests[i].has_expiration_seconds()) continue;
    int64_t seconds = requests[i].expiration_seconds();
    if (seconds < kMinSeconds) {
      errors.invalid(path.child("expirationSeconds"), seconds,
                     "may not specify a duration less than 10 minutes");
    }
    if (seconds > kMaxSeconds) {
      errors.invalid(path.child("expirationSeconds"), seconds,
                     "may not specify a duration larger than 2^32 seconds");
    }
  }
}

void call_lifecycle_modes(const RuleInput& input, FieldErrors& errors) {
  constexpr std::string_view kModes[] = {"Persistent", "Ephemeral"};
  for (std::string_view mode : ListView<std::string_view>(input.value.as_node())) {
    if (mode == "Persistent" || mode == "Ephemeral") continue;
    errors.not_supported_raw(input.path, go_quote(mode), kModes);
  }
}

namespace {

using Topology = std::map<std::string_view, std::set<std::string_view>>;

// Reports a term's errors; returns the values by key, of equal keys the last.
Topology check_topology_term(core_v1::TopologySelectorTerm term, const FieldPath& path,
                             FieldErrors& errors) {
  Topology topology;
  auto expressions = term.match_label_expressions();
  for (size_t i = 0; i < expressions.size(); ++i) {
    core_v1::TopologySelectorLabelRequirement requirement = expressions[i];
    FieldPath at = path.index(i);
    if (requirement.values().empty()) errors.required(at.child("values"));
    std::set<std::string_view> values;
    for (size_t k = 0; k < requirement.values().size(); ++k) {
      std::string_view value = requirement.values()[k];
      if (!values.insert(value).second) errors.duplicate(at.child("values").index(k), value);
    }
    errors.invalid_all(at.child("key"), requirement.key(), check_qualified_name(requirement.key()));
    if (topology.contains(requirement.key())) {
      errors.duplicate(at.child("key"), requirement.key());
    }
    topology[requirement.key()] = std::move(values);
  }
  return topology;
}

}  // namespace

// Upstream's list of known topologies begins with an empty one for each term.
void call_allowed_topologies(const RuleInput& input, FieldErrors& errors) {
  ListView<core_v1::TopologySelectorTerm> terms(input.value.as_node());
  std::vector<Topology> known(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    FieldPath path = input.path.index(i).child("matchLabelExpressions");
    Topology topology = check_topology_term(terms[i], path, errors);
    for (const Topology& other : known) {
      if (other == topology) errors.duplicate(path, "");
    }
    known.push_back(std::move(topology));
  }
}

}  // namespace tiphys::apiserver
