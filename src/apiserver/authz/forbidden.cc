#include "apiserver/authz/forbidden.h"

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string forbidden_message(const UserInfo& user, const Attributes& attributes) {
  std::string text = "User " + go_quote(user.name) + " cannot " + attributes.verb;
  if (!attributes.is_resource) return escape_html(text + " path " + go_quote(attributes.path));
  std::string resource = attributes.resource;
  if (!attributes.subresource.empty()) resource += "/" + attributes.subresource;
  text += " resource " + go_quote(resource) + " in API group " + go_quote(attributes.group);
  text += attributes.ns.empty() ? " at the cluster scope"
                                : " in the namespace " + go_quote(attributes.ns);
  return escape_html(text);
}

ApiStatus forbidden_status(const UserInfo& user, const Attributes& attributes,
                           std::string_view reason) {
  std::string why = forbidden_message(user, attributes);
  if (!reason.empty()) why.append(": ").append(reason);
  return ApiStatus::forbidden(attributes.group, attributes.resource, attributes.name, why);
}

}  // namespace tiphys::apiserver
