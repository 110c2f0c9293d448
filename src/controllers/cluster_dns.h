// ClusterDnsController: the Service kube-system/kube-dns in front of the nodes' own name servers:
// made once a node announces one (annotation tiphys.io/dns-address), with the address that pods are
// given; each of these nodes has an EndpointSlice a family, ready as the node is, hinted to the
// node itself, so that pods ask their own node's and, where that is away, another one's.
// A kube-dns with a selector is somebody's own DNS (CoreDNS): it is left alone, and gets none of
// our endpoints.
//
// Labels, ports and annotations of the Service are kubeadm's. Not one of upstream's controllers.
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class ClusterDnsController : public Controller {
 public:
  // `addresses`: of the Service, one a family; the first is its ClusterIP. Requires: not empty.
  ClusterDnsController(Context context, std::vector<std::string> addresses);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  ObjectPtr new_service() const;
  // By name, what the slices of a Service shall be.
  std::map<std::string, ObjectPtr> wanted_slices(const Object& service) const;
  void add_slice_actions(const std::map<std::string, ObjectPtr>& wanted, Decision& decision) const;

  std::vector<std::string> addresses_;
  client::Informer& services_;
  client::Informer& nodes_;
  client::Informer& slices_;
};

}  // namespace tiphys::controllers
