// The scope of a write: what the request names, who asks, and where warnings go.
#pragma once
#include "apiserver/pipeline/request_context.h"
#include "apiserver/registry/registry.h"

namespace tiphys::apiserver {

inline WriteScope request_scope(RequestContext& context, bool dry_run) {
  WriteScope scope;
  scope.resource = context.resource;
  scope.subresource = context.info.subresource;
  scope.ns = context.info.ns;
  scope.name = context.info.name;
  scope.user = &context.user;
  scope.dry_run = dry_run;
  scope.warnings = &context.warnings;
  scope.audit_annotations = context.audit_annotations();
  return scope;
}

}  // namespace tiphys::apiserver
