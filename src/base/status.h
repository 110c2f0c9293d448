// ApiStatus: the one error type of Tiphys, shaped as Kubernetes' metav1.Status failure.
//
// Immutable and cheap to copy (one shared pointer); safe to read from any thread. Reasons and
// codes are those of k8s.io/apimachinery/pkg/apis/meta/v1 (StatusReason). Internal failures that
// are no API answer (a file that can't be opened) use internal(): code 500, InternalError.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys {

// One cause of a failure: for field errors, reason is FieldValueInvalid etc. and field the path.
struct StatusCause {
  std::string reason;
  std::string message;
  std::string field;
};

struct StatusDetails {
  std::string name;
  std::string group;
  std::string kind;  // for most reasons the resource ("pods"), for Invalid the kind ("Pod")
  std::string uid;
  std::vector<StatusCause> causes;
  int32_t retry_after_seconds = 0;
};

class [[nodiscard]] ApiStatus {
 public:
  struct Data {
    int32_t code = 500;
    std::string reason;
    std::string message;
    bool has_details = false;
    StatusDetails details;
    std::string continue_token;  // of an expired list: where it can go on, inconsistently
  };

  explicit ApiStatus(Data data) : data_(std::make_shared<const Data>(std::move(data))) {}
  ApiStatus(int32_t code, std::string_view reason, std::string_view message);

  // `resource` is the plural resource name, `group` its API group ("" for core).
  static ApiStatus not_found(std::string_view group, std::string_view resource,
                             std::string_view name);
  static ApiStatus already_exists(std::string_view group, std::string_view resource,
                                  std::string_view name);
  // 'Operation cannot be fulfilled on pods "a": <why>'
  static ApiStatus conflict(std::string_view group, std::string_view resource,
                            std::string_view name, std::string_view why);
  static ApiStatus bad_request(std::string_view message);
  static ApiStatus unauthorized(std::string_view message = "Unauthorized");
  // 'pods "a" is forbidden: <why>'; name may be empty.
  static ApiStatus forbidden(std::string_view group, std::string_view resource,
                             std::string_view name, std::string_view why);
  // 'Pod "a" is invalid: <causes>'; kind is the Go kind. Causes are listed as upstream lists them.
  static ApiStatus invalid(std::string_view group, std::string_view kind, std::string_view name,
                           std::vector<StatusCause> causes);
  static ApiStatus gone(std::string_view message);     // 410 Gone
  static ApiStatus expired(std::string_view message);  // 410 Expired
  static ApiStatus method_not_allowed(std::string_view message);
  static ApiStatus not_acceptable(std::string_view message);
  static ApiStatus unsupported_media_type(std::string_view message);
  static ApiStatus too_large(std::string_view message);  // 413 RequestEntityTooLarge
  static ApiStatus too_many_requests(std::string_view message, int32_t retry_after_seconds);
  static ApiStatus service_unavailable(std::string_view message);
  static ApiStatus timeout(std::string_view message);   // 504 Timeout
  static ApiStatus internal(std::string_view message);  // 500 InternalError
  static ApiStatus stopped();  // internal: the operation was cancelled by a StopToken
  // internal error for a failed system call: "<what>: <strerror(error_number)>"
  static ApiStatus os_error(std::string_view what, int error_number);

  int32_t code() const { return data_->code; }
  const std::string& reason() const { return data_->reason; }
  const std::string& message() const { return data_->message; }
  const Data& data() const { return *data_; }

  bool is_not_found() const { return data_->code == 404; }
  bool is_conflict() const { return data_->reason == "Conflict"; }
  bool is_already_exists() const { return data_->reason == "AlreadyExists"; }
  bool is_gone() const { return data_->code == 410; }
  bool is_stopped() const { return data_->reason == "Stopped"; }

 private:
  std::shared_ptr<const Data> data_;
};

}  // namespace tiphys
