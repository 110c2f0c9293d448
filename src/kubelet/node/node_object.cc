#include "kubelet/node/node_object.h"

#include <algorithm>

#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kMinMemory = 100LL * 1024 * 1024;  // memory.available<100Mi

std::string kibibytes(int64_t bytes) { return std::to_string(bytes / 1024) + "Ki"; }

class ConditionWriter {
 public:
  ConditionWriter(core_v1::NodeStatusEdit status, MicroTime now, bool heartbeat)
      : conditions_(status.edit_conditions()), now_(whole_seconds(now)), heartbeat_(heartbeat) {}

  void set(std::string_view type, bool value, std::string_view reason, std::string_view message) {
    size_t at = 0;
    while (at < conditions_.size() && conditions_[at].view().type() != type) ++at;
    bool is_new = at == conditions_.size();
    core_v1::NodeConditionEdit edit = is_new ? conditions_.append() : conditions_[at];
    std::string_view text = value ? "True" : "False";
    bool changed = is_new || edit.view().status() != text || edit.view().reason() != reason ||
                   edit.view().message() != message;
    if (edit.view().status() != text) edit.set_last_transition_time(now_);
    if (changed || heartbeat_) edit.set_last_heartbeat_time(now_);
    edit.set_type(type);
    edit.set_status(text);
    edit.set_reason(reason);
    edit.set_message(message);
  }

 private:
  ListEdit<core_v1::NodeConditionEdit> conditions_;
  MicroTime now_;
  bool heartbeat_;
};

void write_conditions(const NodeFacts& facts, core_v1::NodeStatusEdit status, bool heartbeat) {
  ConditionWriter out(status, facts.now, heartbeat);
  const MachinePressure& p = facts.pressure;
  if (p.memory_available < kMinMemory) {
    out.set("MemoryPressure", true, "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available");
  } else {
    out.set("MemoryPressure", false, "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available");
  }
  if (p.disk_available < p.disk_total / 10) {
    out.set("DiskPressure", true, "KubeletHasDiskPressure", "kubelet has disk pressure");
  } else {
    out.set("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure");
  }
  bool few_pids = p.pids_max > 0 && p.pids_max - p.pids_used < p.pids_max / 20;
  if (few_pids) {
    out.set("PIDPressure", true, "KubeletHasInsufficientPID",
            "kubelet has insufficient PID available");
  } else {
    out.set("PIDPressure", false, "KubeletHasSufficientPID",
            "kubelet has sufficient PID available");
  }
  if (facts.not_ready.empty()) {
    out.set("Ready", true, "KubeletReady", "kubelet is posting ready status");
  } else {
    out.set("Ready", false, "KubeletNotReady", facts.not_ready);
  }
}

void write_addresses(const NodeFacts& facts, const Options& options,
                     core_v1::NodeStatusEdit status) {
  status.clear_addresses();
  auto addresses = status.edit_addresses();
  for (const std::string& ip : facts.addresses) {
    core_v1::NodeAddressEdit address = addresses.append();
    address.set_type("InternalIP");
    address.set_address(ip);
  }
  core_v1::NodeAddressEdit name = addresses.append();
  name.set_type("Hostname");
  name.set_address(options.node_name);
}

void write_info(const NodeFacts& facts, const Options& options, core_v1::NodeSystemInfoEdit info) {
  info.set_machine_id(facts.machine.machine_id);
  info.set_system_uuid(facts.machine.system_uuid);
  info.set_boot_id(facts.machine.boot_id);
  info.set_kernel_version(facts.machine.kernel_version);
  info.set_os_image(facts.machine.os_image);
  info.set_container_runtime_version(facts.runtime_version);
  info.set_kubelet_version(options.version);
  info.set_operating_system("linux");
  info.set_architecture(facts.machine.architecture);
}

void write_images(const NodeFacts& facts, const Options& options, core_v1::NodeStatusEdit status) {
  std::vector<const ImageRecord*> images;
  for (const ImageRecord& image : facts.images) images.push_back(&image);
  std::sort(images.begin(), images.end(), [](const ImageRecord* a, const ImageRecord* b) {
    return a->size_bytes != b->size_bytes ? a->size_bytes > b->size_bytes : a->id < b->id;
  });
  auto most = static_cast<size_t>(options.node_status_max_images);  // -1: all
  if (images.size() > most) images.resize(most);
  status.clear_images();
  for (const ImageRecord* image : images) {
    if (image->names.empty()) continue;
    core_v1::ContainerImageEdit edit = status.edit_images().append();
    for (const std::string& name : image->names) edit.edit_names().append(name);
    edit.set_size_bytes(image->size_bytes);
  }
}

// What the runtime says that it can do.
void write_runtime(const NodeFacts& facts, core_v1::NodeStatusEdit status) {
  status.clear_runtime_handlers();
  for (const RuntimeHandler& handler : facts.handlers) {
    core_v1::NodeRuntimeHandlerEdit out = status.edit_runtime_handlers().append();
    out.set_name(handler.name);
    out.edit_features().set_recursive_read_only_mounts(handler.recursive_read_only_mounts);
    out.edit_features().set_user_namespaces(handler.user_namespaces);
  }
  if (!facts.supplemental_groups_policy) return;
  status.edit_features().set_supplemental_groups_policy(*facts.supplemental_groups_policy);
}

// What eviction keeps free of a resource: an amount, or a percentage of the capacity.
Quantity kept_free(std::string_view resource, const Quantity& capacity, const Options& options) {
  const char* signal = resource == "memory"              ? "memory.available"
                       : resource == "ephemeral-storage" ? "nodefs.available"
                                                         : nullptr;
  auto threshold = signal ? options.eviction_hard.find(signal) : options.eviction_hard.end();
  if (threshold == options.eviction_hard.end()) return Quantity();
  std::string_view text = threshold->second;
  if (!text.ends_with('%')) return Quantity::of(text);
  Quantity percent = Quantity::of(text.substr(0, text.size() - 1));
  double share = percent.approximate() / 100;
  return Quantity(static_cast<int64_t>(static_cast<double>(capacity.value()) * share));
}

}  // namespace

std::map<std::string, std::string> node_labels(const NodeFacts& facts, const Options& options) {
  std::map<std::string, std::string> out = options.node_labels;
  out["kubernetes.io/hostname"] = options.node_name;
  for (const char* prefix : {"kubernetes.io/", "beta.kubernetes.io/"}) {
    out[std::string(prefix) + "os"] = "linux";
    out[std::string(prefix) + "arch"] = facts.machine.architecture;
  }
  return out;
}

std::map<std::string, std::string> node_capacity(const NodeFacts& facts, const Options& options) {
  std::map<std::string, std::string> out = facts.devices;
  out["cpu"] = std::to_string(facts.machine.cpus);
  out["memory"] = kibibytes(facts.machine.memory_bytes);
  out["ephemeral-storage"] = kibibytes(facts.machine.disk_bytes);
  for (const auto& [size, count] : facts.machine.huge_pages) {
    Quantity page(size, Quantity::Format::kBinarySi);
    out["hugepages-" + page.text()] = Quantity(size * count, Quantity::Format::kBinarySi).text();
  }
  int64_t pods = options.max_pods;
  if (options.pods_per_core > 0) {
    pods = std::min(pods, options.pods_per_core * facts.machine.cpus);
  }
  out["pods"] = std::to_string(pods);
  return out;
}

std::map<std::string, std::string> node_allocatable(const NodeFacts& facts,
                                                    const Options& options) {
  std::map<std::string, std::string> out;
  for (const auto& [name, capacity] : node_capacity(facts, options)) {
    Quantity left = Quantity::of(capacity);
    for (const auto* reserved : {&options.system_reserved, &options.kube_reserved}) {
      auto found = reserved->find(name);
      if (found != reserved->end()) left -= Quantity::of(found->second);
    }
    left -= kept_free(name, Quantity::of(capacity), options);
    for (const auto& [size, count] : facts.machine.huge_pages) {
      if (name == "memory") left -= Quantity(size * count);
    }
    if (left.sign() < 0) left = Quantity(0);
    out[name] = left.text();
  }
  return out;
}

ObjectPtr node_reference(const Options& options) {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit node(draft);
  node.edit_metadata().set_name(options.node_name);
  node.edit_metadata().set_uid(options.node_name);
  return draft.freeze();
}

ObjectPtr new_node(const NodeFacts& facts, const Options& options) {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit node(draft);
  node.edit_metadata().set_name(options.node_name);
  for (const auto& [key, value] : node_labels(facts, options)) {
    node.edit_metadata().edit_labels().set(key, value);
  }
  node.edit_metadata().edit_annotations().set(
      "volumes.kubernetes.io/controller-managed-attach-detach", "true");
  if (!options.provider_id.empty()) node.edit_spec().set_provider_id(options.provider_id);
  for (const Options::Taint& taint : options.register_with_taints) {
    core_v1::TaintEdit edit = node.edit_spec().edit_taints().append();
    edit.set_key(taint.key);
    edit.set_value(taint.value);
    edit.set_effect(taint.effect);
  }
  ObjectPtr bare = draft.freeze();
  return with_status(*bare, facts, options, true);
}

ObjectPtr with_status(const Object& node, const NodeFacts& facts, const Options& options,
                      bool heartbeat) {
  Draft draft(node);
  core_v1::NodeStatusEdit status = core_v1::NodeEdit(draft).edit_status();
  auto capacity = status.edit_capacity();
  for (const auto& [name, quantity] : node_capacity(facts, options)) capacity.set(name, quantity);
  auto allocatable = status.edit_allocatable();
  for (const auto& [name, quantity] : node_allocatable(facts, options))
    allocatable.set(name, quantity);
  write_conditions(facts, status, heartbeat);
  write_addresses(facts, options, status);
  status.edit_daemon_endpoints().edit_kubelet_endpoint().set_port(facts.kubelet_port);
  write_info(facts, options, status.edit_node_info());
  write_images(facts, options, status);
  write_runtime(facts, status);
  return draft.freeze();
}

ObjectPtr with_labels(const Object& node, const NodeFacts& facts, const Options& options) {
  Draft draft(node);
  auto labels = core_v1::NodeEdit(draft).edit_metadata().edit_labels();
  bool changed = false;
  for (const auto& [key, value] : node_labels(facts, options)) {
    if (labels.contains(key) && labels.view().find(key) == value) continue;
    labels.set(key, value);
    changed = true;
  }
  return changed ? draft.freeze() : nullptr;
}

}  // namespace tiphys::kubelet
