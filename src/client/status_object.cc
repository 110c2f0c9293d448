#include "client/status_object.h"

#include "kinds/meta_v1.h"

namespace tiphys::client {

namespace {

StatusDetails details_of(const meta_v1::StatusDetails& view) {
  StatusDetails details;
  details.name = view.name();
  details.group = view.group();
  details.kind = view.kind();
  details.uid = view.uid();
  details.retry_after_seconds = view.retry_after_seconds();
  for (meta_v1::StatusCause cause : view.causes()) {
    details.causes.push_back(
        {std::string(cause.reason()), std::string(cause.message()), std::string(cause.field())});
  }
  return details;
}

std::string_view reason_of_code(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 406:
      return "NotAcceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "RequestEntityTooLarge";
    case 415:
      return "UnsupportedMediaType";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "InternalError";
  }
}

}  // namespace

ApiStatus status_of(const Object& object) {
  if (&object.type() != &meta_v1::Status::message_type()) {
    return ApiStatus::internal("the server answered with an object that is no Status");
  }
  meta_v1::Status view(object);
  ApiStatus::Data data;
  data.code = view.has_code() ? view.code() : 500;
  data.reason = view.reason();
  data.message = view.message();
  data.has_details = view.has_details();
  data.details = details_of(view.details());
  return ApiStatus(std::move(data));
}

ApiStatus status_of_code(int code, std::string_view body) {
  constexpr size_t kMaxQuoted = 2048;
  std::string message(body.substr(0, kMaxQuoted));
  if (message.empty()) message = "the server answered with code " + std::to_string(code);
  return ApiStatus(code, reason_of_code(code), message);
}

}  // namespace tiphys::client
