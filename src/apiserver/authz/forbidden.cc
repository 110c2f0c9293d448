#include "apiserver/authz/forbidden.h"

#include "base/html.h"
#include "base/strings.h"

namespace tiphys::apiserver {

std::string forbidden_message(const UserInfo& user, const Attributes& attributes) {
  std::string text = "User " + go_quote(user.name) + " cannot " + attributes.verb;
  if (!attributes.is_resource)
    return html_escape(text + " path " + go_quote(attributes.path), false);
  std::string resource = attributes.resource;
  if (!attributes.subresource.empty()) resource += "/" + attributes.subresource;
  text += " resource " + go_quote(resource) + " in API group " + go_quote(attributes.group);
  text += attributes.ns.empty() ? " at the cluster scope"
                                : " in the namespace " + go_quote(attributes.ns);
  return html_escape(text, false);
}

ApiStatus forbidden_status(const UserInfo& user, const Attributes& attributes,
                           std::string_view reason) {
  std::string why = forbidden_message(user, attributes);
  if (!reason.empty()) why.append(": ").append(reason);
  return ApiStatus::forbidden(attributes.group, attributes.resource, attributes.name, why);
}

}  // namespace tiphys::apiserver
