// DenyServiceExternalIPs: nobody adds to a service's externalIPs (CVE-2020-8554). Off by default.
// Upstream: plugin/pkg/admission/network/denyserviceexternalips.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

using Addresses = ListView<std::string_view>;

bool contains(const Addresses& list, std::string_view wanted) {
  for (std::string_view address : list) {
    if (address == wanted) return true;
  }
  return false;
}

class DenyServiceExternalIps : public PlainPlugin {
 public:
  std::string_view name() const override { return "DenyServiceExternalIPs"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    if (!is_for(request, "", "services")) return {};
    if (!is_create(request) && !is_update(request)) return {};
    Addresses old;
    if (is_update(request)) old = core_v1::Service(*request.old_object).spec().external_ips();
    for (std::string_view address : core_v1::Service(*request.object).spec().external_ips()) {
      if (contains(old, address)) continue;
      return denied(request, "Use of external IPs is denied by admission control.");
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_deny_service_external_ips(const AdmissionParts&) {
  return std::make_unique<DenyServiceExternalIps>();
}

}  // namespace tiphys::apiserver
