#include "kubelet/pods/reference_watch.h"

#include "kinds/metadata.h"

namespace tiphys::kubelet {

// One object, watched while somebody uses it.
struct ReferenceWatch::Entry final : client::ReflectorTarget {
  Entry(std::string_view k, std::string n, std::string o, const StopToken& parent)
      : kind(k), ns(std::move(n)), name(std::move(o)), stop(parent) {}

  void replace(std::vector<ObjectPtr> objects, std::string revision) override {
    revision_ = std::move(revision);
    complete = true;
    tell(objects.empty() ? nullptr : objects.front());
  }
  void apply(const client::WatchEvent& event) override {
    using Type = client::WatchEvent::Type;
    if (!event.object) return;
    std::string revision(metadata(*event.object).resource_version());
    if (!revision.empty()) revision_ = revision;
    if (event.type == Type::kBookmark) return;
    tell(event.type == Type::kDeleted ? nullptr : event.object);
  }
  const std::string& revision() const override { return revision_; }

  void tell(const ObjectPtr& now) {
    std::string at = now ? std::string(metadata(*now).resource_version()) : "";
    auto told = users;  // who is told may leave
    for (auto& [uid, changed] : told) changed(kind, name, at);
    if (now && is_immutable(*now)) stop.request_stop();
  }
  bool is_immutable(const Object& object) const {
    return kind == "Secret" ? core_v1::Secret(object).immutable()
                            : core_v1::ConfigMap(object).immutable();
  }

  std::string kind;
  std::string ns;
  std::string name;
  StopSource stop;
  std::map<std::string, Changed> users;  // by pod uid
  bool complete = false;

 private:
  std::string revision_;
};

ReferenceWatch::ReferenceWatch(Loop& loop, client::Client& client, Random& random)
    : loop_(loop), client_(client), random_(random), gate_(loop) {}

ReferenceWatch::~ReferenceWatch() = default;

void ReferenceWatch::set(const std::string& uid, const std::string& ns,
                         const References& references, Changed changed) {
  if (stop_.stop_requested()) return;
  std::set<Key> wanted;
  for (const std::string& name : references.config_maps) {
    wanted.emplace("ConfigMap", ns + "/" + name);
    add(uid, "ConfigMap", ns, name, changed);
  }
  for (const std::string& name : references.secrets) {
    wanted.emplace("Secret", ns + "/" + name);
    add(uid, "Secret", ns, name, changed);
  }
  std::set<Key> before = std::exchange(by_pod_[uid], wanted);
  for (const Key& key : before) {
    if (wanted.contains(key)) continue;
    auto entry = entries_.find(key);
    entry->second->users.erase(uid);
    if (!entry->second->users.empty()) continue;
    entry->second->stop.request_stop();
    entries_.erase(entry);
  }
  if (wanted.empty()) by_pod_.erase(uid);
}

void ReferenceWatch::forget(const std::string& uid) {
  if (by_pod_.contains(uid)) set(uid, "", {}, {});
}

bool ReferenceWatch::complete(const std::string& uid) const {
  auto keys = by_pod_.find(uid);
  if (keys == by_pod_.end()) return true;
  for (const Key& key : keys->second) {
    if (!entries_.at(key)->complete) return false;
  }
  return true;
}

void ReferenceWatch::add(const std::string& uid, std::string_view kind, const std::string& ns,
                         const std::string& name, const Changed& changed) {
  Key key(kind, ns + "/" + name);
  auto present = entries_.find(key);
  if (present != entries_.end()) {
    present->second->users[uid] = changed;
    return;
  }
  auto entry = std::make_shared<Entry>(kind, ns, name, stop_.token());
  entry->users[uid] = changed;
  entries_.emplace(key, entry);
  gate_.spawn(watch(entry));
}

Task<void> ReferenceWatch::watch(std::shared_ptr<Entry> entry) {
  const schema::Resource& resource =
      *schema::find_resource("", "v1", entry->kind == "Secret" ? "secrets" : "configmaps");
  client::ListOptions selector;
  selector.field_selector = "metadata.name=" + entry->name;
  client::Reflector reflector(loop_, client_, random_, resource, selector, entry->ns, *entry);
  co_await reflector.run(entry->stop.token());
}

Task<void> ReferenceWatch::stop() {
  stop_.request_stop();
  co_await gate_.close();
  entries_.clear();
  by_pod_.clear();
}

}  // namespace tiphys::kubelet
