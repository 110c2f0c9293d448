// ProxyEvents: what the proxy tells the cluster by events, each once until it changes: on the Node
// that it started, that it repaired its rules and what it can't serve; on Services what can't be
// served of them. Loop thread only.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client/event_recorder.h"
#include "client/informer.h"
#include "proxy/claims.h"

namespace tiphys::proxy {

class ProxyEvents {
 public:
  // The informers outlive it: events are about objects that are there, but for a Node that isn't
  // known yet.
  ProxyEvents(Loop& loop, client::Client& client, Random& random, const client::Informer& services,
              const client::Informer& nodes, const std::string& node_name);
  // Once the Node is known; later calls tell nothing.
  void tell_of_start();
  void tell_of_repair(const std::string& what);
  // What else of kube-proxy can't be had on this node.
  void tell_of_failure(std::string_view reason, const std::string& message);
  // Endpoints of a Service that no Service may lead to.
  void tell_of_refused(const std::string& service, const std::vector<SliceFacts>& parts);
  void tell_of_conflicts(const std::vector<Claims::Conflict>& conflicts);
  void tell_of_closed_port(const std::string& service, uint16_t port, const ApiStatus& why);
  Task<void> stop();

 private:
  void warn(const std::string& service, std::string_view reason, const std::string& message);
  void tell_node(std::string_view type, std::string_view reason, const std::string& message);

  client::EventRecorder recorder_;
  const client::Informer& services_;
  const client::Informer& nodes_;
  std::string node_name_;
  bool told_of_start_ = false;
  std::map<std::string, std::string> refused_;  // service -> addresses that were told of
};

}  // namespace tiphys::proxy
