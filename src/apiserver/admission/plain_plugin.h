// PlainPlugin: an admission plugin that never waits: change() and check() are plain functions.
#pragma once
#include "apiserver/admission/admission.h"

namespace tiphys::apiserver {

class PlainPlugin : public AdmissionPlugin {
 public:
  Task<Result<void>> mutate(AdmissionRequest& request) override;
  Task<Result<void>> validate(AdmissionRequest& request) override;

 protected:
  virtual Result<void> change(AdmissionRequest& request);       // default: nothing
  virtual Result<void> check(const AdmissionRequest& request);  // default: nothing
};

// Whether a request is for a resource itself ("", "pods"), not for a subresource.
bool is_for(const AdmissionRequest& request, std::string_view group, std::string_view resource);
bool is_create(const AdmissionRequest& request);
bool is_update(const AdmissionRequest& request);
bool is_delete(const AdmissionRequest& request);

// admission.NewForbidden: 403 'pods "a" is forbidden: <why>'; the name may come from the object.
ApiStatus denied(const AdmissionRequest& request, std::string_view why);

}  // namespace tiphys::apiserver
