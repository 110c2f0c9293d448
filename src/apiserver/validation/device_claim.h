// References to the requests of a claim of devices: "request" or "request/subrequest". Pure.
// Upstream: pkg/apis/resource/validation.
#pragma once
#include <map>
#include <set>
#include <span>

#include "apiserver/registry/field_error.h"
#include "kinds/resource_v1.h"

namespace tiphys::apiserver {

// The requests of a claim, and of each its subrequests. Borrows the claim's texts.
class RequestNames {
 public:
  explicit RequestNames(resource_v1::DeviceClaim claim);
  // A request and, if there are two names, a subrequest.
  bool has(std::span<const std::string_view> names) const;

 private:
  std::map<std::string_view, std::set<std::string_view>> names_;
};

void check_request_reference(const RequestNames& requests, std::string_view reference,
                             const FieldPath& path, FieldErrors& errors);
// A set of them, of limited size.
void check_request_references(const RequestNames& requests,
                              const ListView<std::string_view>& references, const FieldPath& path,
                              FieldErrors& errors);

}  // namespace tiphys::apiserver
