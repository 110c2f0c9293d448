#include "apiserver/handlers/patched_object.h"

#include "apiserver/handlers/body.h"
#include "apiserver/handlers/patched_text.h"
#include "apiserver/patch/go_text.h"
#include "apiserver/patch/json_patch.h"
#include "apiserver/patch/merge_patch.h"
#include "apiserver/patch/strategic_merge.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/field_error.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

ApiStatus invalid_patch(std::string_view shown, std::string_view why) {
  FieldErrors errors;
  errors.invalid(FieldPath("patch"), shown, why);
  return ApiStatus::invalid("", "", "", errors.take());
}

// The object as untyped JSON, kind and apiVersion included.
Value untyped(const Object& object, const GroupVersionKind& gvk, Arena& arena) {
  Value tree = codec::to_any(object.type(), object.root(), arena);
  put_entry(arena, *tree.node, "apiVersion", arena.string(gvk.api_version()));
  put_entry(arena, *tree.node, "kind", arena.string(gvk.kind));
  return tree;
}

Result<Value> apply_patch(const PatchAttempt& attempt, const schema::Kind& kind, Value document,
                          Arena& arena) {
  const Value& patch = attempt.body.value;
  if (attempt.body.kind == PatchKind::kJson) return apply_json_patch(document, patch, arena);
  if (attempt.body.kind == PatchKind::kMerge) {
    return apply_merge_patch(document, arena.clone(patch), arena);
  }
  return apply_strategic_merge(document, arena.clone(patch), *kind.message, arena);
}

// What errors about the outcome of a patch show: the patch if it is strategic, else the outcome.
std::string shown_document(const PatchAttempt& attempt, const schema::Kind& kind,
                           const Value& document) {
  if (attempt.body.kind == PatchKind::kStrategic) return go_value_text(attempt.body.value);
  return patched_text(*kind.message, document, attempt.body);
}

Result<void> check_patched_type(const PatchAttempt& attempt, const schema::Kind& kind,
                                const Value& document) {
  // A strategic patch is of the endpoint's type, whatever it says.
  if (attempt.body.kind == PatchKind::kStrategic) return {};
  const GroupVersionKind& gvk = kind.gvk;
  if (document.type != ValueType::kMap) {
    return invalid_patch(shown_document(attempt, kind, document),
                         "couldn't get version/kind; json parse error");
  }
  std::string_view name = document.node->find("kind").as_text();
  std::string_view version = document.node->find("apiVersion").as_text();
  bool same = name == gvk.kind && version == gvk.api_version();
  if (same || name.empty() || version.empty()) return {};
  return invalid_patch(shown_document(attempt, kind, document),
                       "no kind " + go_quote(name) + " is registered for version " +
                           go_quote(version) + " in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
}

// The problems of the patch and of its outcome.
Result<void> validate_fields(PatchAttempt& attempt, const schema::Kind& kind, const Value& document,
                             const std::vector<std::string>& found) {
  if (attempt.warned) return {};
  attempt.warned = true;
  std::vector<std::string> problems = attempt.body.problems;
  problems.insert(problems.end(), found.begin(), found.end());
  if (problems.empty()) return {};
  if (attempt.validation == FieldValidation::kStrict) {
    return invalid_patch(shown_document(attempt, kind, document),
                         "strict decoding error: " + join(problems, ", "));
  }
  warn_of_problems(*attempt.context, attempt.validation, problems);
  return {};
}

// The patched document as an object of the endpoint's kind.
Result<Draft> typed(PatchAttempt& attempt, const schema::Kind& kind, const Value& document) {
  auto checked = check_patched_type(attempt, kind, document);
  if (!checked) return checked.error();
  Draft draft(*kind.message, &kind.gvk);
  Value body = draft.arena().clone(document);
  erase_entry(*body.node, "kind");
  erase_entry(*body.node, "apiVersion");
  codec::DecodeNotes notes;
  auto root = codec::from_any(body, *kind.message, draft.arena(), &notes);
  if (!root) return invalid_patch(shown_document(attempt, kind, document), root.error().message());
  draft.set_root(*root);
  auto valid = validate_fields(attempt, kind, document, notes.problems);
  if (!valid) return valid.error();
  return draft;
}

}  // namespace

Result<Draft> patched_object(PatchAttempt& attempt, const schema::Kind& kind,
                             const Object& current) {
  Arena arena;
  Value document = untyped(current, kind.gvk, arena);
  TIPHYS_TRY(Value, changed, apply_patch(attempt, kind, document, arena));
  return typed(attempt, kind, changed);
}

Result<void> validate_configuration(PatchAttempt& attempt) {
  if (attempt.warned || attempt.body.problems.empty()) return {};
  attempt.warned = true;
  if (attempt.validation == FieldValidation::kStrict) {
    return ApiStatus::bad_request("error strict decoding YAML: " + attempt.body.problems[0]);
  }
  warn_of_problems(*attempt.context, attempt.validation, attempt.body.problems);
  return {};
}

}  // namespace tiphys::apiserver
