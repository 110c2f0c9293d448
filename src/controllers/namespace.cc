#include "controllers/namespace.h"

#include <set>

#include "base/strings.h"
#include "base/time_math.h"
#include "controllers/resources.h"
#include "kinds/core_v1.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

// Deletions are noticed late on purpose: requests that were admitted before have ended by then.
constexpr Duration kGraceful = std::chrono::seconds(5);
constexpr std::string_view kFinalizer = "kubernetes";
constexpr std::string_view kJobTracking = "batch.kubernetes.io/job-tracking";
constexpr int64_t kDefaultPodGrace = 30;

struct Verdict {
  std::string_view type;
  bool bad;
  std::string_view bad_reason;
  std::string bad_message;
  std::string_view good_reason;
  std::string_view good_message;
};

std::string counts_text(const std::map<std::string, int64_t>& counts, std::string_view in) {
  std::string text;
  for (const auto& [name, count] : counts) {
    if (!text.empty()) text += ", ";
    text += name + std::string(in) + std::to_string(count) + " resource instances";
  }
  return text;
}

std::vector<Verdict> verdicts(const NamespaceContent& content) {
  std::string failures;
  for (const std::string& failure :
       std::multiset(content.failures.begin(), content.failures.end())) {
    if (!failures.empty()) failures += ", ";
    failures += failure;
  }
  return {
      {"NamespaceDeletionDiscoveryFailure", !content.undiscovered.empty(), "DiscoveryFailed",
       content.undiscovered, "ResourcesDiscovered", "All resources successfully discovered"},
      {"NamespaceDeletionGroupVersionParsingFailure", !content.malformed.empty(),
       "GroupVersionParsingFailed", content.malformed, "ParsedGroupVersions",
       "All legacy kube types successfully parsed"},
      {"NamespaceDeletionContentFailure", !content.failures.empty(), "ContentDeletionFailed",
       "Failed to delete all resource types, " + std::to_string(content.failures.size()) +
           " remaining: " + failures,
       "ContentDeleted", "All content successfully deleted, may be waiting on finalization"},
      {"NamespaceContentRemaining", !content.remaining.empty(), "SomeResourcesRemain",
       "Some resources are remaining: " + counts_text(content.remaining, " has "), "ContentRemoved",
       "All content successfully removed"},
      {"NamespaceFinalizersRemaining", !content.finalizers.empty(), "SomeFinalizersRemain",
       "Some content in the namespace has finalizers remaining: " +
           counts_text(content.finalizers, " in "),
       "ContentHasNoFinalizers", "All content-preserving finalizers finished"},
  };
}

bool put_condition(core_v1::NamespaceStatusEdit status, const Verdict& verdict, MicroTime now) {
  auto conditions = status.edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != verdict.type) ++at;
  std::string_view value = verdict.bad ? "True" : "False";
  std::string_view message =
      verdict.bad ? std::string_view(verdict.bad_message) : verdict.good_message;
  std::string_view reason = verdict.bad ? verdict.bad_reason : verdict.good_reason;
  bool added = at == conditions.size();
  core_v1::NamespaceConditionEdit condition = added ? conditions.append() : conditions[at];
  bool same = !added && condition.view().status() == value &&
              condition.view().message() == message && condition.view().reason() == reason;
  if (same) return false;
  if (added || condition.view().status() != value) condition.set_last_transition_time(now);
  condition.set_type(verdict.type);
  condition.set_status(value);
  condition.set_reason(reason);
  condition.set_message(message);
  return true;
}

bool is_pods(const schema::Resource& resource) {
  return resource.group.empty() && resource.resource == "pods";
}

std::string undiscovered(const client::Discovered& found) {
  if (found.failed.empty()) return {};
  return "Discovery failed for some groups, " + std::to_string(found.failed.size()) +
         " failing: " + found.failure();
}

// It has ended, and its Job lets go of it at the latest when it is deleted itself.
bool waits_for_its_job(const Object& pod) {
  if (!kinds::is_finished(core_v1::Pod(pod)) || metadata(pod).finalizers().empty()) return false;
  for (std::string_view finalizer : metadata(pod).finalizers()) {
    if (finalizer != kJobTracking) return false;
  }
  return true;
}

void count_left(const schema::Resource& resource, const std::vector<ObjectPtr>& items,
                NamespaceContent* content) {
  if (items.empty()) return;
  std::string name = std::string(resource.resource) + "." + std::string(resource.group);
  content->remaining[name] += static_cast<int64_t>(items.size());
  for (const ObjectPtr& item : items) {
    for (std::string_view finalizer : metadata(*item).finalizers()) {
      ++content->finalizers[std::string(finalizer)];
    }
    int64_t grace = metadata(*item).deletion_grace_period_seconds();
    bool pod = is_pods(resource);
    if (pod && grace == 0) grace = kDefaultPodGrace;
    if (pod && !waits_for_its_job(*item)) ++content->pods_to_wait_for;
    content->estimate = std::max(content->estimate, bounded_seconds(grace));
  }
}

}  // namespace

std::string NamespaceContent::problem() const {
  if (!undiscovered.empty()) return undiscovered;
  if (!malformed.empty()) return malformed;
  return failures.empty() ? "" : failures[0];
}

ObjectPtr with_deletion_conditions(const Object& ns, const NamespaceContent& content,
                                   MicroTime now) {
  Draft draft(ns);
  core_v1::NamespaceStatusEdit status = core_v1::NamespaceEdit(draft).edit_status();
  bool changed = false;
  for (const Verdict& verdict : verdicts(content)) changed |= put_condition(status, verdict, now);
  return changed ? draft.freeze() : nullptr;
}

NamespaceController::NamespaceController(Context context)
    : Controller(context, "namespace-controller"),
      discovery_(context.client),
      namespaces_(watch(namespaces())) {
  namespaces_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) return enqueue(*old);
    if (!metadata(*now).has_deletion_timestamp()) return;
    bool fresh = old && !metadata(*old).has_deletion_timestamp();
    if (old && !fresh) return;  // our own status writes
    enqueue_after(std::string(metadata(*now).name()), fresh ? kGraceful : Duration::zero());
  });
}

// What may live in a namespace: one version of each resource, pods first.
Task<NamespaceController::Resources> NamespaceController::content_resources(
    NamespaceContent* content) {
  Result<std::shared_ptr<const client::Discovered>> found = co_await discovery_.ask();
  Resources resources;
  if (!found) {
    content->undiscovered = found.error().message();
    co_return resources;
  }
  content->undiscovered = undiscovered(**found);
  content->malformed = join((*found)->malformed, ", ");
  for (size_t at : (*found)->preferred) {
    const client::DiscoveredResource& one = (*found)->resources[at];
    if (!one.namespaced || !one.has_verb("delete")) continue;
    auto resource = std::make_unique<client::UntypedResource>(one);
    bool first = is_pods(resource->resource());
    resources.insert(first ? resources.begin() : resources.end(), std::move(resource));
  }
  co_return resources;
}

Task<void> NamespaceController::delete_each(const schema::Resource& resource, std::string name,
                                            std::vector<ObjectPtr> items,
                                            NamespaceContent* content) {
  client::DeleteOptions options;
  options.propagation_policy = "Background";
  for (size_t i = 0; i < items.size(); ++i) {
    std::string item(metadata(*items[i]).name());
    Result<ObjectPtr> removed = co_await context_.client.remove(resource, name, item, options);
    if (removed || removed.error().is_not_found()) continue;
    if (removed.error().code() == 405) co_return;
    content->failures.push_back(removed.error().message());
  }
}

Task<Result<void>> NamespaceController::empty_resource(const schema::Resource& resource,
                                                       std::string name,
                                                       NamespaceContent* content) {
  if (!resource.has_verb("list")) co_return Result<void>();
  Result<client::ListResult> before = co_await context_.client.list(resource, name);
  if (!before) {
    // Not served any more, or not to be listed: nothing of it can be left.
    bool unknown = before.error().is_not_found() || before.error().code() == 405;
    if (!unknown) content->failures.push_back(before.error().message());
    co_return Result<void>();
  }
  if (before->items.empty()) co_return Result<void>();
  bool one_by_one = !resource.has_verb("deletecollection");
  if (!one_by_one) {
    client::DeleteOptions options;
    options.propagation_policy = "Background";
    Result<ObjectPtr> removed =
        co_await context_.client.remove_collection(resource, name, {}, options);
    one_by_one = !removed && (removed.error().is_not_found() || removed.error().code() == 405);
    if (!removed && !one_by_one) content->failures.push_back(removed.error().message());
  }
  if (one_by_one) co_await delete_each(resource, name, std::move(before->items), content);
  Result<client::ListResult> after = co_await context_.client.list(resource, name);
  if (!after) co_return after.error();
  count_left(resource, after->items, content);
  co_return Result<void>();
}

Task<Result<void>> NamespaceController::empty_namespace(std::string name,
                                                        NamespaceContent* content) {
  std::optional<ApiStatus> failure;
  Resources resources = co_await content_resources(content);
  for (size_t i = 0; i < resources.size(); ++i) {
    const schema::Resource& found = resources[i]->resource();
    // Of pods more than their metadata counts.
    const schema::Resource& resource = is_pods(found) ? pods() : found;
    Result<void> emptied = co_await empty_resource(resource, name, content);
    if (!emptied) failure = emptied.error();
    // Pods go first: nothing that guards them, such as a NetworkPolicy, goes before them.
    if (is_pods(resource) && content->pods_to_wait_for > 0) break;
  }
  if (failure) co_return *failure;
  co_return Result<void>();
}

Task<Result<void>> NamespaceController::report(ObjectPtr ns, NamespaceContent content) {
  std::string name(metadata(*ns).name());
  Result<ObjectPtr> live = co_await context_.client.get(namespaces(), "", name);
  if (!live) co_return live.error();
  ObjectPtr changed = with_deletion_conditions(**live, content, context_.loop.wall());
  if (!changed) co_return Result<void>();
  Result<ObjectPtr> updated = co_await context_.client.update(namespaces(), changed, "status");
  if (!updated) co_return updated.error();
  co_return Result<void>();
}

Task<Result<void>> NamespaceController::finalize(std::string name) {
  Result<ObjectPtr> live = co_await context_.client.get(namespaces(), "", name);
  if (!live) co_return live.error();
  Draft draft(**live);
  auto finalizers = core_v1::NamespaceEdit(draft).edit_spec().edit_finalizers();
  for (size_t i = finalizers.size(); i-- > 0;) {
    if (finalizers[i] == kFinalizer) finalizers.erase(i);
  }
  Result<ObjectPtr> updated =
      co_await context_.client.update(namespaces(), draft.freeze(), "finalize");
  if (!updated) co_return updated.error();
  co_return Result<void>();
}

Task<Result<void>> NamespaceController::sync(std::string key) {
  ObjectPtr ns = namespaces_.get("", key);
  if (!ns || !metadata(*ns).has_deletion_timestamp()) {
    rounds_.erase(key);
    co_return Result<void>();
  }
  bool ours = false;
  for (std::string_view f : core_v1::Namespace(*ns).spec().finalizers()) ours |= f == kFinalizer;
  if (!ours) co_return Result<void>();
  NamespaceContent content;
  Result<void> emptied = co_await empty_namespace(key, &content);
  Result<void> reported = co_await report(ns, content);
  if (!reported && reported.error().is_not_found()) co_return Result<void>();
  if (!emptied) co_return emptied;
  if (!reported) co_return reported;
  if (content.empty()) {
    Result<void> finalized = co_await finalize(key);
    if (!finalized && finalized.error().is_not_found()) co_return Result<void>();
    co_return finalized;
  }
  std::string problem = content.problem();
  if (!problem.empty()) co_return ApiStatus::internal(problem);
  // Half of what it may take, as upstream; but what ends sooner is noticed sooner.
  int round = std::min(rounds_[key]++, 5);
  Duration patience = std::chrono::seconds(int64_t{1} << round);
  Duration half = content.estimate / 2 + std::chrono::seconds(1);
  enqueue_after(key, std::min(half, patience));
  co_return Result<void>();
}

}  // namespace tiphys::controllers
