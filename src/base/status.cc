#include "base/status.h"

#include <cstring>

namespace tiphys {
namespace {

std::string qualified(std::string_view group, std::string_view resource) {
  std::string text(resource);
  if (!group.empty()) text.append(".").append(group);
  return text;
}

ApiStatus with_details(int32_t code, std::string_view reason, std::string message,
                       std::string_view group, std::string_view kind, std::string_view name) {
  ApiStatus::Data data{
      .code = code,
      .reason = std::string(reason),
      .message = std::move(message),
      .has_details = true,
      .details = {
          .name = std::string(name), .group = std::string(group), .kind = std::string(kind)}};
  return ApiStatus(std::move(data));
}

std::string quoted(std::string_view group, std::string_view resource, std::string_view name) {
  return qualified(group, resource) + " \"" + std::string(name) + "\"";
}

}  // namespace

ApiStatus::ApiStatus(int32_t code, std::string_view reason, std::string_view message)
    : ApiStatus(
          Data{.code = code, .reason = std::string(reason), .message = std::string(message)}) {}

ApiStatus ApiStatus::not_found(std::string_view group, std::string_view resource,
                               std::string_view name) {
  return with_details(404, "NotFound", quoted(group, resource, name) + " not found", group,
                      resource, name);
}

ApiStatus ApiStatus::already_exists(std::string_view group, std::string_view resource,
                                    std::string_view name) {
  return with_details(409, "AlreadyExists", quoted(group, resource, name) + " already exists",
                      group, resource, name);
}

ApiStatus ApiStatus::conflict(std::string_view group, std::string_view resource,
                              std::string_view name, std::string_view why) {
  std::string message = "Operation cannot be fulfilled on " + quoted(group, resource, name) + ": ";
  return with_details(409, "Conflict", message.append(why), group, resource, name);
}

ApiStatus ApiStatus::bad_request(std::string_view message) {
  return ApiStatus(400, "BadRequest", message);
}

ApiStatus ApiStatus::unauthorized(std::string_view message) {
  return ApiStatus(401, "Unauthorized", message);
}

ApiStatus ApiStatus::forbidden(std::string_view group, std::string_view resource,
                               std::string_view name, std::string_view why) {
  std::string message = name.empty() ? qualified(group, resource) : quoted(group, resource, name);
  if (resource.empty()) message = "forbidden";
  message.append(resource.empty() ? ": " : " is forbidden: ").append(why);
  return with_details(403, "Forbidden", std::move(message), group, resource, name);
}

ApiStatus ApiStatus::invalid(std::string_view group, std::string_view kind, std::string_view name,
                             std::vector<StatusCause> causes) {
  std::string list;
  for (const StatusCause& cause : causes) {
    if (!list.empty()) list += ", ";
    if (!cause.field.empty()) list += cause.field + ": ";
    list += cause.message;
  }
  if (causes.size() > 1) list = "[" + list + "]";
  std::string message = quoted(group, kind, name) + " is invalid";
  if (!list.empty()) message += ": " + list;
  ApiStatus status = with_details(422, "Invalid", std::move(message), group, kind, name);
  Data data = status.data();
  data.details.causes = std::move(causes);
  return ApiStatus(std::move(data));
}

ApiStatus ApiStatus::gone(std::string_view message) { return ApiStatus(410, "Gone", message); }

ApiStatus ApiStatus::expired(std::string_view message) {
  return ApiStatus(410, "Expired", message);
}

ApiStatus ApiStatus::method_not_allowed(std::string_view message) {
  return ApiStatus(405, "MethodNotAllowed", message);
}

ApiStatus ApiStatus::not_acceptable(std::string_view message) {
  return ApiStatus(406, "NotAcceptable", message);
}

ApiStatus ApiStatus::unsupported_media_type(std::string_view message) {
  return ApiStatus(415, "UnsupportedMediaType", message);
}

ApiStatus ApiStatus::too_large(std::string_view message) {
  return ApiStatus(413, "RequestEntityTooLarge", message);
}

ApiStatus ApiStatus::too_many_requests(std::string_view message, int32_t retry_after_seconds) {
  ApiStatus::Data data{.code = 429,
                       .reason = "TooManyRequests",
                       .message = std::string(message),
                       .has_details = true,
                       .details = {.retry_after_seconds = retry_after_seconds}};
  return ApiStatus(std::move(data));
}

ApiStatus ApiStatus::service_unavailable(std::string_view message) {
  return ApiStatus(503, "ServiceUnavailable", message);
}

ApiStatus ApiStatus::timeout(std::string_view message) {
  return ApiStatus(504, "Timeout", message);
}

ApiStatus ApiStatus::internal(std::string_view message) {
  return ApiStatus(500, "InternalError", message);
}

ApiStatus ApiStatus::stopped() { return ApiStatus(500, "Stopped", "stopped"); }

ApiStatus ApiStatus::os_error(std::string_view what, int error_number) {
  return internal(std::string(what) + ": " + std::strerror(error_number));
}

}  // namespace tiphys
