// Options of a request, read from its query: ListOptions and the options of writes, with
// upstream's validation (apimachinery/pkg/apis/meta/v1/validation).
#pragma once
#include <optional>
#include <string>

#include "apiserver/pipeline/request_context.h"
#include "apiserver/registry/registry.h"
#include "base/result.h"

namespace tiphys::apiserver {

enum class FieldValidation : uint8_t { kIgnore, kWarn, kStrict };

struct WriteOptions {
  bool dry_run = false;
  bool force = false;
  std::string field_manager;  // given, or the user agent's first word
  bool manager_given = false;
  FieldValidation field_validation = FieldValidation::kWarn;
};
// kind: "CreateOptions", "UpdateOptions", "PatchOptions". `apply` requires a field manager.
Result<WriteOptions> read_write_options(const RequestContext& context, std::string_view kind,
                                        bool apply = false);

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  std::string resource_version_match;
  int64_t limit = 0;
  std::string continue_token;
  std::optional<int64_t> timeout_seconds;
  bool allow_watch_bookmarks = false;
  std::optional<bool> send_initial_events;
};
Result<ListOptions> read_list_options(const RequestContext& context, bool watch);

// From the body (if any) or the query; sets dry_run.
Result<DeleteRequest> read_delete_options(RequestContext& context, bool* dry_run);

}  // namespace tiphys::apiserver
