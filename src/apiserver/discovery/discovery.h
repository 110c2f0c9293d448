// Discovery: what the server serves, as documents: /api, /apis, /apis/GROUP, /apis/GROUP/VERSION,
// and the aggregated form (apidiscovery.k8s.io/v2) of /api and /apis. Made once, from the resource
// tables. Pure. https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "object/object.h"

namespace tiphys::apiserver {

class Discovery {
 public:
  // server_address: "10.0.0.1:6443", told in /api.
  explicit Discovery(std::string_view server_address);
  // The document of a discovery path (no trailing slash); null: no such document.
  ObjectPtr find(std::string_view path) const;
  // The aggregated document of "/api" or "/apis"; null for other paths.
  ObjectPtr find_aggregated(std::string_view path) const;
  const std::string& etag(std::string_view path) const;  // of an aggregated document, quoted
  bool serves_group(std::string_view group) const;

 private:
  void add_core(std::string_view server_address);
  void add_groups();
  std::map<std::string, ObjectPtr, std::less<>> documents_;
  std::map<std::string, ObjectPtr, std::less<>> aggregated_;
  std::map<std::string, std::string, std::less<>> etags_;
};

}  // namespace tiphys::apiserver
