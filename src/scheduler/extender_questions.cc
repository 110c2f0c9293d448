#include "scheduler/extender_questions.h"

#include <algorithm>
#include <functional>

#include "codec/codec.h"
#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

void append_object(const Object& object, std::string& out) {
  codec::encode_object(codec::Format::kJson, object.type(), object.root(), nullptr, out);
}

// "[a,b]", each item written by `write`.
template <class List>
void append_list(const List& list, const std::function<void(size_t)>& write, std::string& out) {
  out += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ',';
    write(i);
  }
  out += ']';
}

template <class Quantities>
bool has_any(const Quantities& quantities, const ExtenderConfig& extender) {
  return std::ranges::any_of(extender.managed_resources, [&](const auto& resource) {
    return !quantities.node().find(resource.name).is_null();
  });
}

bool asks_for_managed(const ListView<core_v1::Container>& containers,
                      const ExtenderConfig& extender) {
  for (core_v1::Container container : containers) {
    if (has_any(container.resources().requests(), extender)) return true;
    if (has_any(container.resources().limits(), extender)) return true;
  }
  return false;
}

void append_victims(const Candidate& candidate, bool uids_only, std::string& out) {
  out += "{\"Pods\":";
  append_list(
      candidate.victims,
      [&](size_t i) {
        if (!uids_only) return append_object(*candidate.victims[i]->object, out);
        out += "{\"UID\":";
        codec::append_json_string(candidate.victims[i]->uid, out);
        out += '}';
      },
      out);
  out += ",\"NumPDBViolations\":" + std::to_string(candidate.violations) + "}";
}

}  // namespace

bool is_interested(const ExtenderConfig& extender, const PodInfo& pod) {
  if (extender.managed_resources.empty()) return true;
  core_v1::PodSpec spec = pod.view().spec();
  return asks_for_managed(spec.containers(), extender) ||
         asks_for_managed(spec.init_containers(), extender);
}

std::string extender_url(const ExtenderConfig& extender, std::string_view verb) {
  std::string_view prefix = extender.url_prefix;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string(prefix) + "/" + std::string(verb);
}

std::string extender_args(const ExtenderConfig& extender, const PodInfo& pod,
                          std::span<const ObjectPtr> nodes) {
  std::string out = "{\"Pod\":";
  append_object(*pod.object, out);
  if (extender.node_cache_capable) {
    out += ",\"Nodes\":null,\"NodeNames\":";
    append_list(nodes, [&](size_t i) { codec::append_json_string(name_of(*nodes[i]), out); }, out);
  } else {
    out += ",\"Nodes\":{\"metadata\":{},\"items\":";
    append_list(nodes, [&](size_t i) { append_object(*nodes[i], out); }, out);
    out += "},\"NodeNames\":null";
  }
  return out + "}";
}

std::string extender_preemption_args(const ExtenderConfig& extender, const PodInfo& pod,
                                     std::span<const Candidate> candidates) {
  bool uids_only = extender.node_cache_capable;
  std::string victims = "{";
  for (const Candidate& candidate : candidates) {
    if (victims.size() > 1) victims += ',';
    codec::append_json_string(candidate.node, victims);
    victims += ':';
    append_victims(candidate, uids_only, victims);
  }
  victims += '}';
  std::string out = "{\"Pod\":";
  append_object(*pod.object, out);
  out += ",\"NodeNameToVictims\":" + (uids_only ? "null" : victims);
  out += ",\"NodeNameToMetaVictims\":" + (uids_only ? victims : "null");
  return out + "}";
}

std::string extender_binding_args(const PodInfo& pod, std::string_view node) {
  std::string out;
  auto member = [&out](std::string_view name, std::string_view value) {
    out += (out.empty() ? "{\"" : ",\"") + std::string(name) + "\":";
    codec::append_json_string(value, out);
  };
  member("PodName", pod.name);
  member("PodNamespace", pod.ns);
  member("PodUID", pod.uid);
  member("Node", node);
  return out + "}";
}

}  // namespace tiphys::scheduler
