// Paths that are no resources: discovery, version, health, metrics, openapi. Loop thread only.
#pragma once
#include <map>
#include <string>

#include "apiserver/discovery/discovery.h"
#include "apiserver/health/metrics.h"
#include "apiserver/health/store_probe.h"
#include "apiserver/openapi/openapi.h"
#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"
#include "net/health_checks.h"

namespace tiphys::apiserver {

// A document that stays as it is, open to be cached for an hour (OpenID discovery).
struct StaticDocument {
  std::string content_type;
  std::string body;
};
using StaticDocuments = std::map<std::string, StaticDocument, std::less<>>;  // by path

struct NonResourceEnv {
  const Discovery* discovery = nullptr;
  const Metrics* metrics = nullptr;
  OpenApi* openapi = nullptr;
  std::string git_version;
  net::HealthChecks* health = nullptr;
  const StaticDocuments* documents = nullptr;
};
// The answer tells how the store is: it should be asked before.
bool asks_for_store(const NonResourceEnv& env, const RequestContext& context);
Result<Answer> handle_non_resource(const NonResourceEnv& env, RequestContext& context,
                                   std::string_view if_none_match);
// "404 page not found", as Go's mux says it.
net::Response page_not_found();

}  // namespace tiphys::apiserver
