// Event: one line of the audit log, audit.k8s.io/v1 Event, and its two forms. Values; pure.
// Upstream: apiserver/pkg/apis/audit/v1/types.go, apiserver/pkg/audit/format.go.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/audit/annotations.h"
#include "apiserver/audit/level.h"
#include "apiserver/user.h"
#include "base/time.h"
#include "object/object.h"

namespace tiphys::apiserver::audit {

struct ObjectReference {
  std::string resource;
  std::string ns;
  std::string name;
  std::string uid;
  std::string group;
  std::string version;
  std::string resource_version;
  std::string subresource;
};

struct Event {
  Level level = Level::kNone;
  std::string audit_id;
  Stage stage = Stage::kRequestReceived;
  std::string request_uri;
  std::string verb;
  UserInfo user;
  std::optional<UserInfo> impersonated_user;
  std::vector<std::string> source_ips;
  std::string user_agent;
  std::optional<ObjectReference> object_ref;
  ObjectPtr response_status;  // a meta/v1 Status; null until the response began
  Bytes request_object;       // compact JSON; null: none
  Bytes response_object;
  MicroTime received = 0;
  MicroTime staged = 0;
  Annotations annotations;
};

// A line of --audit-log-format=json, with its newline: fields in upstream's order.
std::string json_line(const Event& event);
// A line of --audit-log-format=legacy, with its newline.
std::string legacy_line(const Event& event);

}  // namespace tiphys::apiserver::audit
