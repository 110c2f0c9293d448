#include "apiserver/audit/auditor.h"

#include "apiserver/audit/source_ips.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver::audit {
namespace {

constexpr std::string_view kCutMark = "...TRUNCATED";

ObjectReference reference_of(const Attributes& attributes) {
  ObjectReference reference;
  reference.resource = attributes.resource;
  reference.ns = attributes.ns;
  reference.name = attributes.name;
  reference.group = attributes.group;
  reference.version = attributes.version;
  reference.subresource = attributes.subresource;
  return reference;
}

void fill(std::string& field, std::string_view text) {
  if (field.empty()) field = text;
}

}  // namespace

RequestFacts facts_of(const net::Request& request, std::string audit_id, MicroTime received) {
  RequestFacts facts;
  facts.audit_id = std::move(audit_id);
  facts.request_uri = request.path;
  if (!request.query.empty()) facts.request_uri += "?" + request.query;
  facts.source_ips = source_ips(request.headers, request.remote_address);
  facts.user_agent = request.headers.get("user-agent");
  facts.received = received;
  return facts;
}

std::shared_ptr<RequestAudit> Auditor::begin(RequestFacts facts, const UserInfo& user,
                                             const Attributes& attributes) {
  RequestConfig config = evaluate(policy_, user, attributes);
  ++counts().levels[static_cast<size_t>(config.level)];
  if (config.level == Level::kNone) return nullptr;
  Event event;
  event.level = config.level;
  event.audit_id = std::move(facts.audit_id);
  event.request_uri = std::move(facts.request_uri);
  event.verb = attributes.verb;
  event.user = user;
  event.source_ips = std::move(facts.source_ips);
  event.user_agent = std::move(facts.user_agent);
  if (event.user_agent.size() > kMaxUserAgentBytes) {
    event.user_agent.resize(kMaxUserAgentBytes);
    event.user_agent += kCutMark;
  }
  if (attributes.is_resource) event.object_ref = reference_of(attributes);
  event.received = facts.received;
  return std::make_shared<RequestAudit>(config, std::move(event), backend_, clock_);
}

void RequestAudit::complete_reference(std::string_view ns, std::string_view name,
                                      std::string_view uid, std::string_view resource_version) {
  if (!event_.object_ref) return;
  fill(event_.object_ref->ns, ns);
  fill(event_.object_ref->name, name);
  fill(event_.object_ref->uid, uid);
  fill(event_.object_ref->resource_version, resource_version);
}

void RequestAudit::set_request_object(std::string json) {
  if (!tells(Level::kRequest)) return;
  event_.request_object = std::make_shared<const std::string>(std::move(json));
}

// Of a Status, only what is bounded: not its list's metadata.
void RequestAudit::set_answer(const ObjectPtr& status, Bytes json) {
  if (status) {
    Draft draft(*status);
    meta_v1::StatusEdit edit(draft);
    edit.clear_metadata();
    edit.edit_metadata();
    event_.response_status = draft.freeze();
  }
  if (tells(Level::kRequestResponse)) event_.response_object = std::move(json);
}

void RequestAudit::set_code(int code) {
  Draft draft = event_.response_status ? Draft(*event_.response_status) : meta_v1::Status::make();
  meta_v1::StatusEdit edit(draft);
  edit.edit_metadata();
  edit.set_code(code);
  event_.response_status = draft.freeze();
}

// False: the policy omits the stage.
bool RequestAudit::enter(Stage stage) {
  if (config_.omit_stages.has(stage)) return false;
  event_.stage = stage;
  event_.staged = stage == Stage::kRequestReceived ? event_.received : clock_.wall();
  ++backend_->counts().events;
  return true;
}

void RequestAudit::post(Stage stage) {
  if (enter(stage)) backend_->post(event_);
}

Task<bool> RequestAudit::record(std::shared_ptr<RequestAudit> audit, Stage stage) {
  if (!audit->enter(stage)) co_return true;
  co_return co_await audit->backend_->write(audit->event_);
}

}  // namespace tiphys::apiserver::audit
