#include "apiserver/handlers/options.h"

#include "apiserver/handlers/audited_body.h"
#include "apiserver/handlers/body.h"
#include "apiserver/registry/field_error.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxFieldManager = 128;  // FieldManagerMaxLength

ApiStatus invalid_options(std::string_view kind, FieldErrors& errors) {
  return ApiStatus::invalid("meta.k8s.io", kind, "", errors.take());
}

void check_manager(std::string_view manager, FieldErrors& errors) {
  FieldPath path("fieldManager");
  if (manager.size() > kMaxFieldManager) errors.too_long(path, kMaxFieldManager);
  for (size_t i = 0; i < manager.size(); ++i) {
    auto byte = static_cast<unsigned char>(manager[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    char code[8];
    snprintf(code, sizeof code, "%04X", byte);
    errors.invalid(
        path, manager,
        "invalid character U+" + std::string(code) + " (at position " + std::to_string(i) + ")");
    return;
  }
}

void check_dry_run(const Query& query, FieldErrors& errors, bool* dry_run) {
  static constexpr std::string_view kAll[] = {"All"};
  for (std::string_view value : query.all("dryRun")) {
    if (value == "All") {
      *dry_run = true;
    } else {
      errors.not_supported(FieldPath("dryRun"), value, kAll);
    }
  }
}

FieldValidation read_field_validation(const Query& query, FieldErrors& errors) {
  static constexpr std::string_view kValues[] = {"", "Ignore", "Strict", "Warn"};
  std::string_view text = query.get("fieldValidation");
  if (text == "Ignore") return FieldValidation::kIgnore;
  if (text == "Strict") return FieldValidation::kStrict;
  if (!text.empty() && text != "Warn") {
    errors.not_supported(FieldPath("fieldValidation"), text, kValues);
  }
  return FieldValidation::kWarn;
}

// A watch without a starting point begins with the present state (WatchList, on since v1.34).
void default_watch(ListOptions& options) {
  if (options.send_initial_events || !options.resource_version_match.empty()) return;
  if (!options.resource_version.empty() && options.resource_version != "0") return;
  options.send_initial_events = true;
  options.resource_version_match = "NotOlderThan";
}

void check_list(const ListOptions& options, FieldErrors& errors) {
  static constexpr std::string_view kValues[] = {"Exact", "NotOlderThan", ""};
  FieldPath path("resourceVersionMatch");
  std::string_view match = options.resource_version_match;
  if (!match.empty()) {
    if (options.resource_version.empty()) {
      errors.forbidden(path,
                       "resourceVersionMatch is forbidden unless resourceVersion is provided");
    }
    if (!options.continue_token.empty()) {
      errors.forbidden(path, "resourceVersionMatch is forbidden when continue is provided");
    }
    if (match != "Exact" && match != "NotOlderThan") errors.not_supported(path, match, kValues);
    if (match == "Exact" && options.resource_version == "0") {
      errors.forbidden(path,
                       "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    }
  }
  if (options.send_initial_events) {
    errors.forbidden(FieldPath("sendInitialEvents"), "sendInitialEvents is forbidden for list");
  }
}

void check_watch(const ListOptions& options, FieldErrors& errors) {
  static constexpr std::string_view kValues[] = {"NotOlderThan"};
  FieldPath path("resourceVersionMatch");
  std::string_view match = options.resource_version_match;
  if (options.send_initial_events && match != "NotOlderThan") {
    errors.forbidden(path,
                     "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (match.empty()) return;
  if (!options.send_initial_events) {
    errors.forbidden(path,
                     "resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
                     "provided");
  }
  if (match != "NotOlderThan") errors.not_supported(path, match, kValues);
  if (!options.continue_token.empty()) {
    errors.forbidden(path, "resourceVersionMatch is forbidden when continue is provided");
  }
}

void check_propagation(const DeleteRequest& request, FieldErrors& errors) {
  static constexpr std::string_view kValues[] = {"Foreground", "Background", "Orphan", "nil"};
  const std::string& policy = request.propagation_policy;
  FieldPath path("propagationPolicy");
  if (policy.empty()) return;
  if (request.orphan_dependents) {
    errors.invalid(path, policy, "orphanDependents and deletionPropagation cannot be both set");
  }
  if (policy != "Foreground" && policy != "Background" && policy != "Orphan") {
    errors.not_supported(path, policy, kValues);
  }
}

Result<void> options_from_query(const Query& query, DeleteRequest& request) {
  TIPHYS_TRY(std::optional<int64_t>, grace, query.number("gracePeriodSeconds"));
  request.grace_period_seconds = grace;
  if (query.has("orphanDependents")) request.orphan_dependents = query.flag("orphanDependents");
  request.propagation_policy = query.get("propagationPolicy");
  return {};
}

void options_from_object(meta_v1::DeleteOptions options, DeleteRequest& request,
                         FieldErrors& errors, bool* dry_run) {
  static constexpr std::string_view kAll[] = {"All"};
  if (options.has_grace_period_seconds()) {
    request.grace_period_seconds = options.grace_period_seconds();
  }
  if (options.has_orphan_dependents()) request.orphan_dependents = options.orphan_dependents();
  request.propagation_policy = options.propagation_policy();
  request.preconditions.uid = options.preconditions().uid();
  request.preconditions.resource_version = options.preconditions().resource_version();
  for (std::string_view value : options.dry_run()) {
    if (value == "All") {
      *dry_run = true;
    } else {
      errors.not_supported(FieldPath("dryRun"), value, kAll);
    }
  }
}

Result<ObjectPtr> decode_delete_options(const RequestContext& context) {
  if (context.object) return context.object;
  if (context.body.empty()) return ObjectPtr();
  TIPHYS_TRY(codec::Format, format, body_format(context.content_type));
  const schema::Kind* kind = schema::find_kind("", "v1", "DeleteOptions");
  auto decoded = codec::decode_object(format, context.body, kind, nullptr);
  if (!decoded) return decoded.error();
  if (decoded->type().name != kind->message->name) {
    return ApiStatus::bad_request("decoded object cannot be converted to DeleteOptions");
  }
  return decoded->freeze();
}

}  // namespace

Result<WriteOptions> read_write_options(const RequestContext& context, std::string_view kind,
                                        bool apply) {
  // In upstream's order: a create looks at the type of its body first.
  if (kind == "CreateOptions" && !context.object) {
    if (auto format = body_format(context.content_type); !format) return format.error();
  }
  if (auto fits = check_body_size(context); !fits) return fits.error();
  WriteOptions options;
  FieldErrors errors;
  check_dry_run(context.query, errors, &options.dry_run);
  options.force = context.query.flag("force");
  options.field_manager = context.query.get("fieldManager");
  options.manager_given = !options.field_manager.empty();
  if (apply && !options.manager_given) {
    errors.required(FieldPath("fieldManager"), "is required for apply patch");
  }
  if (!apply && kind == "PatchOptions" && context.query.has("force")) {
    errors.forbidden(FieldPath("force"), "may not be specified for non-apply patch");
  }
  check_manager(options.field_manager, errors);
  options.field_validation = read_field_validation(context.query, errors);
  if (!errors.empty()) return invalid_options(kind, errors);
  if (!options.manager_given) {
    std::string_view agent = context.user_agent;
    options.field_manager = agent.substr(0, agent.find('/')).substr(0, kMaxFieldManager);
    if (options.field_manager.empty()) options.field_manager = "unknown";
  }
  return options;
}

Result<ListOptions> read_list_options(const RequestContext& context, bool watch) {
  const Query& query = context.query;
  ListOptions options;
  options.label_selector = query.get("labelSelector");
  options.field_selector = query.get("fieldSelector");
  options.resource_version = query.get("resourceVersion");
  options.resource_version_match = query.get("resourceVersionMatch");
  options.continue_token = query.get("continue");
  TIPHYS_TRY(std::optional<int64_t>, limit, query.number("limit"));
  options.limit = limit.value_or(0);
  TIPHYS_TRY(std::optional<int64_t>, timeout, query.number("timeoutSeconds"));
  options.timeout_seconds = timeout;
  options.allow_watch_bookmarks = query.flag("allowWatchBookmarks");
  if (query.has("sendInitialEvents")) {
    options.send_initial_events = query.flag("sendInitialEvents");
  }
  FieldErrors errors;
  if (watch) {
    default_watch(options);
    check_watch(options, errors);
  } else {
    check_list(options, errors);
  }
  if (!errors.empty()) return invalid_options("ListOptions", errors);
  return options;
}

Result<DeleteRequest> read_delete_options(RequestContext& context, bool* dry_run) {
  DeleteRequest request;
  FieldErrors errors;
  if (auto fits = check_body_size(context); !fits) return fits.error();
  TIPHYS_TRY(ObjectPtr, body, decode_delete_options(context));
  if (body) {
    audit_body(context, Draft(*body));
    options_from_object(meta_v1::DeleteOptions(body->root()), request, errors, dry_run);
  } else {
    auto read = options_from_query(context.query, request);
    if (!read) return read.error();
    check_dry_run(context.query, errors, dry_run);
  }
  check_propagation(request, errors);
  if (!errors.empty()) return invalid_options("DeleteOptions", errors);
  return request;
}

}  // namespace tiphys::apiserver
