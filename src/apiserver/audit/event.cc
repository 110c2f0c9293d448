#include "apiserver/audit/event.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver::audit {
namespace {

// Writes the members of JSON objects, one after the other.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) { out_ += '{'; }

  void name(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    codec::append_json_string(name, out_);
    out_ += ':';
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    codec::append_json_string(value, out_);
  }
  void text_if_any(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  void raw(std::string_view key, const Bytes& json) {
    if (!json) return;
    name(key);
    out_ += *json;
  }
  void texts_if_any(std::string_view key, const std::vector<std::string>& values) {
    if (!values.empty()) texts(key, values);
  }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    out_ += '[';
    for (const std::string& value : values) {
      if (out_.back() != '[') out_ += ',';
      codec::append_json_string(value, out_);
    }
    out_ += ']';
  }
  std::string& end() { return out_ += '}'; }

 private:
  std::string& out_;
};

void write_user(Writer& parent, std::string_view key, const UserInfo& user, std::string& out) {
  parent.name(key);
  Writer writer(out);
  writer.text_if_any("username", user.name);
  writer.text_if_any("uid", user.uid);
  writer.texts_if_any("groups", user.groups);
  if (!user.extra.empty()) {
    writer.name("extra");
    Writer extra(out);
    for (const auto& [name, values] : user.extra) extra.texts(name, values);
    extra.end();
  }
  writer.end();
}

void write_reference(Writer& parent, const ObjectReference& reference, std::string& out) {
  parent.name("objectRef");
  Writer writer(out);
  writer.text_if_any("resource", reference.resource);
  writer.text_if_any("namespace", reference.ns);
  writer.text_if_any("name", reference.name);
  writer.text_if_any("uid", reference.uid);
  writer.text_if_any("apiGroup", reference.group);
  writer.text_if_any("apiVersion", reference.version);
  writer.text_if_any("resourceVersion", reference.resource_version);
  writer.text_if_any("subresource", reference.subresource);
  writer.end();
}

std::string quoted_list(const std::vector<std::string>& items) {
  std::vector<std::string> quoted;
  quoted.reserve(items.size());
  for (const std::string& item : items) quoted.push_back(go_quote(item));
  return join(quoted, ",");
}

// RFC 3339 with as many digits of a second as count.
std::string nano_text(MicroTime time) {
  std::string text = format_rfc3339_micro(time);
  text.pop_back();
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "Z";
}

}  // namespace

std::string json_line(const Event& event) {
  std::string out;
  Writer writer(out);
  writer.text("kind", "Event");
  writer.text("apiVersion", "audit.k8s.io/v1");
  writer.text("level", name_of(event.level));
  writer.text("auditID", event.audit_id);
  writer.text("stage", name_of(event.stage));
  writer.text("requestURI", event.request_uri);
  writer.text("verb", event.verb);
  write_user(writer, "user", event.user, out);
  if (event.impersonated_user) {
    write_user(writer, "impersonatedUser", *event.impersonated_user, out);
  }
  writer.texts_if_any("sourceIPs", event.source_ips);
  writer.text_if_any("userAgent", event.user_agent);
  if (event.object_ref) write_reference(writer, *event.object_ref, out);
  if (event.response_status) {
    writer.name("responseStatus");
    codec::encode_json(event.response_status->type(), event.response_status->root(), out);
  }
  writer.raw("requestObject", event.request_object);
  writer.raw("responseObject", event.response_object);
  writer.text("requestReceivedTimestamp", format_rfc3339_micro(event.received));
  writer.text("stageTimestamp", format_rfc3339_micro(event.staged));
  if (!event.annotations.empty()) {
    writer.name("annotations");
    Writer annotations(out);
    for (const auto& [key, value] : event.annotations.entries()) annotations.text(key, value);
    annotations.end();
  }
  writer.end() += '\n';
  return out;
}

std::string legacy_line(const Event& event) {
  std::string user = event.user.name.empty() ? "<none>" : event.user.name;
  bool grouped = !event.user.name.empty() && !event.user.groups.empty();
  std::string groups = grouped ? quoted_list(event.user.groups) : "<none>";
  std::string as = "<self>";
  std::string as_groups = "<lookup>";
  if (event.impersonated_user) {
    as = event.impersonated_user->name;
    as_groups = quoted_list(event.impersonated_user->groups);
  }
  bool placed = event.object_ref && !event.object_ref->ns.empty();
  std::string response = "<deferred>";
  if (event.response_status) {
    response = std::to_string(meta_v1::Status(*event.response_status).code());
  }
  std::string ip = event.source_ips.empty() ? "<unknown>" : event.source_ips.front();
  return nano_text(event.received) + " AUDIT: id=" + go_quote(event.audit_id) +
         " stage=" + go_quote(name_of(event.stage)) + " ip=" + go_quote(ip) +
         " method=" + go_quote(event.verb) + " user=" + go_quote(user) +
         " groups=" + go_quote(groups) + " as=" + go_quote(as) +
         " asgroups=" + go_quote(as_groups) + " user-agent=" + go_quote(event.user_agent) +
         " namespace=" + go_quote(placed ? event.object_ref->ns : "<none>") +
         " uri=" + go_quote(event.request_uri) + " response=\"" + response + "\"\n";
}

}  // namespace tiphys::apiserver::audit
