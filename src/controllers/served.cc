#include "controllers/served.h"

#include <set>

#include "base/log.h"

namespace tiphys::controllers {

namespace {

constexpr Duration kAskAgain = std::chrono::seconds(5);  // after a failure
constexpr Duration kSoon = std::chrono::seconds(1);      // after a definition changed
constexpr int kQuickLooks = 3;                           // and then every kAskAgain
constexpr Duration kPeriod = std::chrono::seconds(30);
constexpr Duration kFixedPeriod = std::chrono::minutes(10);
constexpr size_t kMaxUntyped = 20'000;

bool is_watchable(const client::DiscoveredResource& found) {
  bool events =
      found.resource == "events" && (found.group.empty() || found.group == "events.k8s.io");
  return !events && found.has_verb("list") && found.has_verb("watch") && found.has_verb("delete");
}

// Whose objects say what else is served.
constexpr std::pair<std::string_view, std::string_view> kDefinitions[] = {
    {"apiextensions.k8s.io", "customresourcedefinitions"},
    {"apiregistration.k8s.io", "apiservices"},
};

std::string group_version(const schema::Resource& resource) {
  std::string text(resource.group);
  if (!text.empty()) text += "/";
  return text + std::string(resource.version);
}

}  // namespace

const schema::Resource* typed_resource(const client::DiscoveredResource& found) {
  const schema::Resource* known = schema::find_resource(found.group, found.version, found.resource);
  bool same = known && known->message && known->kind == found.kind &&
              known->namespaced == found.namespaced &&
              found.resource != "customresourcedefinitions";
  return same ? known : nullptr;
}

ServedResources::ServedResources(Loop& loop, client::Client& client,
                                 client::InformerFactory& informers)
    : loop_(loop),
      discovery_(client),
      informers_(informers),
      gate_(loop),
      known_(loop),
      changed_(loop) {}
ServedResources::~ServedResources() = default;

void ServedResources::add_listener(Listener listener) { listeners_.push_back(std::move(listener)); }

void ServedResources::add_failure_listener(std::function<void()> listener) {
  failure_listeners_.push_back(std::move(listener));
}

Task<bool> ServedResources::known(StopToken stop) {
  if (!std::exchange(looking_, true)) gate_.spawn(look());
  return known_.wait(std::move(stop));
}

Task<void> ServedResources::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Duration ServedResources::pause() const {
  if (!last_ || quick_looks_ > 0) return kAskAgain;
  bool defined = std::ranges::any_of(definitions_, [](auto* one) { return one->size() > 0; });
  return defined || !last_->failed.empty() ? kPeriod : kFixedPeriod;
}

Task<void> ServedResources::look() {
  while (true) {
    Result<std::shared_ptr<const client::Discovered>> found = co_await discovery_.ask();
    if (stop_.stop_requested()) co_return;
    if (!found) LOG_WARNING("Can't discover resources", {"err", found.error()});
    bool any = found && !(*found)->resources.empty();
    for (size_t i = 0; !any && i < failure_listeners_.size(); ++i) failure_listeners_[i]();
    if (any && *found != last_) {
      take(**found);
      last_ = *found;
      known_.set();
    }
    if (quick_looks_ > 0) --quick_looks_;
    bool changed = co_await changed_.wait(stop_.token(), found ? pause() : kAskAgain);
    if (changed) {
      (void)co_await sleep_for(loop_, kSoon, stop_.token());
      changed_.reset();
      quick_looks_ = kQuickLooks;
    }
    if (stop_.stop_requested()) co_return;
  }
}

void ServedResources::follow_definitions() {
  for (auto [group, resource] : kDefinitions) {
    auto found = watchable_.find(Name(group, resource));
    if (found == watchable_.end()) continue;
    client::Informer& informer = informers_.informer(*found->second);
    if (std::ranges::find(definitions_, &informer) != definitions_.end()) continue;
    definitions_.push_back(&informer);
    informer.add_handler([this](const ObjectPtr&, const ObjectPtr&) { changed_.set(); });
  }
}

const schema::Resource* ServedResources::intern(const client::DiscoveredResource& found) {
  if (const schema::Resource* known = typed_resource(found)) return known;
  std::string key = found.group + "/" + found.version + "/" + found.resource + "/" + found.kind +
                    (found.namespaced ? "" : "!");
  for (const std::string& verb : found.verbs) key += " " + verb;
  auto at = untyped_.find(key);
  if (at == untyped_.end()) {
    if (untyped_.size() >= kMaxUntyped) return nullptr;
    at = untyped_.emplace(key, std::make_unique<client::UntypedResource>(found)).first;
  }
  return &at->second->resource();
}

void ServedResources::tell(const schema::Resource& resource, bool served) {
  bool typed =
      schema::find_resource(resource.group, resource.version, resource.resource) == &resource;
  // Others look at typed ones too, whatever discovery says.
  if (!served && !typed) informers_.suspend(resource);
  for (const Listener& listener : listeners_) listener(resource, served);
}

void ServedResources::put(const Name& name, const schema::Resource* resource,
                          const client::Discovered& found) {
  const schema::Resource*& entry = watchable_[name];
  // A version that can't be told about is not given up for another one.
  if (entry == resource || (entry && found.failed.contains(group_version(*entry)))) return;
  if (entry) tell(*entry, false);
  entry = resource;
  tell(*resource, true);
}

void ServedResources::take(const client::Discovered& found) {
  std::set<Name> present;
  kinds_.clear();
  for (size_t at : found.preferred) {
    const client::DiscoveredResource& one = found.resources[at];
    const schema::Resource* resource = intern(one);
    if (!resource) continue;
    kinds_.emplace(Name(one.group, one.kind), resource);
    if (!is_watchable(one)) continue;
    Name name(one.group, one.resource);
    present.insert(name);
    put(name, resource, found);
  }
  for (auto at = watchable_.begin(); at != watchable_.end();) {
    const schema::Resource* resource = at->second;
    bool kept = present.contains(at->first) || found.failed.contains(group_version(*resource));
    if (kept) {
      kinds_.emplace(Name(resource->group, resource->kind), resource);
      ++at;
      continue;
    }
    at = watchable_.erase(at);
    tell(*resource, false);
  }
  follow_definitions();
}

const schema::Resource* ServedResources::of_kind(std::string_view group,
                                                 std::string_view kind) const {
  auto found = kinds_.find(Name(group, kind));
  return found == kinds_.end() ? nullptr : found->second;
}

}  // namespace tiphys::controllers
