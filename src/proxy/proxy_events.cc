#include "proxy/proxy_events.h"

#include "base/log.h"
#include "base/strings.h"
#include "client/object_key.h"
#include "kinds/core_v1.h"

namespace tiphys::proxy {
namespace {

constexpr const char* kComponent = "kube-proxy";  // whatever the process

// As upstream refers to a Node that it hasn't seen: by its name, twice.
ObjectPtr node_reference(const std::string& name) {
  Draft draft = core_v1::Node::make();
  meta_v1::ObjectMetaEdit meta = core_v1::NodeEdit(draft).edit_metadata();
  meta.set_name(name);
  meta.set_uid(name);
  return draft.freeze();
}

}  // namespace

ProxyEvents::ProxyEvents(Loop& loop, client::Client& client, Random& random,
                         const client::Informer& services, const client::Informer& nodes,
                         const std::string& node_name)
    : recorder_(loop, client, random, node_name),
      services_(services),
      nodes_(nodes),
      node_name_(node_name) {}

void ProxyEvents::tell_node(std::string_view type, std::string_view reason,
                            const std::string& message) {
  ObjectPtr object = nodes_.get("", node_name_);
  if (!object) object = node_reference(node_name_);
  recorder_.record(*object, type, reason, message, "", kComponent);
}

void ProxyEvents::tell_of_start() {
  if (!std::exchange(told_of_start_, true)) tell_node("Normal", "Starting", "");
}

void ProxyEvents::tell_of_failure(std::string_view reason, const std::string& message) {
  tell_node("Warning", reason, message);
}

void ProxyEvents::tell_of_repair(const std::string& what) {
  LOG_WARNING("Our rules don't stand any more: making them anew", {"what", what});
  tell_node("Warning", "ServiceRulesRepaired", what + "; it was made anew");
}

void ProxyEvents::warn(const std::string& service, std::string_view reason,
                       const std::string& message) {
  LOG_WARNING(message, {"service", service});
  auto [ns, name] = client::split_key(service);
  if (ObjectPtr object = services_.get(ns, name)) {
    recorder_.record(*object, "Warning", reason, message, "", kComponent);
  }
}

void ProxyEvents::tell_of_refused(const std::string& service,
                                  const std::vector<SliceFacts>& parts) {
  std::set<std::string> addresses;
  for (const SliceFacts& part : parts) {
    for (const EndpointFacts& endpoint : part.endpoints) {
      if (endpoint.address.is_forbidden_endpoint()) addresses.insert(endpoint.address.text());
    }
  }
  std::string list = join(std::vector<std::string>(addresses.begin(), addresses.end()), ", ");
  if (list.empty()) {
    refused_.erase(service);
  } else if (std::exchange(refused_[service], list) != list) {
    warn(service, "EndpointAddressRefused",
         "endpoints that no Service may lead to (loopback, link-local, multicast) are ignored: " +
             list);
  }
}

void ProxyEvents::tell_of_conflicts(const std::vector<Claims::Conflict>& conflicts) {
  for (const Claims::Conflict& conflict : conflicts) {
    warn(conflict.loser, "PortAlreadyAllocated",
         conflict.what + " is served for Service " + conflict.owner + " and can't be for this one");
  }
}

void ProxyEvents::tell_of_closed_port(const std::string& service, uint16_t port,
                                      const ApiStatus& why) {
  warn(service, "FailedToStartServiceHealthcheck",
       "node " + node_name_ + " failed to start healthcheck \"" + service + "\" on port " +
           std::to_string(port) + ": " + why.message());
}

Task<void> ProxyEvents::stop() { return recorder_.stop(); }

}  // namespace tiphys::proxy
