#include "client/informer.h"

#include "base/log.h"
#include "client/object_store.h"
#include "client/reflector.h"

namespace tiphys::client {

struct Informer::Impl : ReflectorTarget {
  Impl(Loop& l, Client& client, Random& random, const schema::Resource& r, ListOptions selector,
       std::string ns)
      : loop(l),
        resource(r),
        reflector(l, client, random, r, std::move(selector), std::move(ns), *this),
        synced(l) {}

  void replace(std::vector<ObjectPtr> objects, std::string to_revision) override;
  void apply(const WatchEvent& event) override;
  const std::string& revision() const override { return at_revision; }
  void forget();
  void put(const ObjectPtr& object);
  void erase(std::string_view ns, std::string_view name);
  void notify(const ObjectPtr& old, const ObjectPtr& now);

  Loop& loop;
  const schema::Resource& resource;
  ObjectStore store;
  std::vector<InformerHandler> handlers;
  std::string at_revision;
  Reflector reflector;
  Event synced;
  bool wanted = false;   // it should run
  bool running = false;  // it does
  StopSource stop;       // of this run
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

void Informer::Impl::notify(const ObjectPtr& old, const ObjectPtr& now) {
  // By index: a handler may add handlers (to other informers' lists, or its own).
  for (size_t i = 0; i < handlers.size(); ++i) handlers[i](old, now);
}

void Informer::Impl::forget() {
  for (const ObjectPtr& object : store.list({})) {
    store.erase(metadata(*object).namespace_(), metadata(*object).name());
  }
  at_revision.clear();
  synced.reset();
}

void Informer::Impl::put(const ObjectPtr& object) {
  std::string_view revision = metadata(*object).resource_version();
  ObjectPtr old = store.put(object);
  bool same = old && !revision.empty() && metadata(*old).resource_version() == revision;
  if (!same) notify(old, object);
}

void Informer::Impl::erase(std::string_view ns, std::string_view name) {
  ObjectPtr old = store.erase(ns, name);
  if (old) notify(old, nullptr);
}

void Informer::Impl::replace(std::vector<ObjectPtr> objects, std::string to_revision) {
  std::set<std::pair<std::string_view, std::string_view>> present;
  for (const ObjectPtr& object : objects) {
    meta_v1::ObjectMeta meta = metadata(*object);
    present.emplace(meta.namespace_(), meta.name());
  }
  at_revision = std::move(to_revision);
  for (const ObjectPtr& old : store.list({})) {
    meta_v1::ObjectMeta meta = metadata(*old);
    if (!present.contains({meta.namespace_(), meta.name()})) erase(meta.namespace_(), meta.name());
  }
  for (const ObjectPtr& object : objects) put(object);
  synced.set();
}

void Informer::Impl::apply(const WatchEvent& event) {
  if (!event.object) return;
  meta_v1::ObjectMeta meta = metadata(*event.object);
  if (!meta.resource_version().empty()) at_revision = meta.resource_version();
  switch (event.type) {
    case WatchEvent::Type::kAdded:
    case WatchEvent::Type::kModified:
      return put(event.object);
    case WatchEvent::Type::kDeleted: {
      // The event's object is the last state: newer than what is in the store.
      ObjectPtr known = store.erase(meta.namespace_(), meta.name());
      if (known) notify(event.object, nullptr);
      return;
    }
    case WatchEvent::Type::kBookmark:
    case WatchEvent::Type::kError:
      return;
  }
}

Informer::Informer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Informer::~Informer() { *impl_->alive = false; }

const schema::Resource& Informer::resource() const { return impl_->resource; }

void Informer::add_handler(InformerHandler handler) {
  if (impl_->store.size() == 0) {
    impl_->handlers.push_back(std::move(handler));
    return;
  }
  // Presented and registered in one callback: nothing is missed and nothing told twice.
  impl_->loop.post([impl = impl_.get(), alive = impl_->alive, handler = std::move(handler)] {
    if (!*alive) return;
    impl->handlers.push_back(handler);
    for (const ObjectPtr& object : impl->store.list({})) handler(nullptr, object);
  });
}

void Informer::add_index(std::string name, IndexFunction function) {
  impl_->store.add_index(std::move(name), std::move(function));
}

bool Informer::synced() const { return impl_->synced.is_set(); }
Task<bool> Informer::wait_for_sync(StopToken stop) { return impl_->synced.wait(std::move(stop)); }

ObjectPtr Informer::get(std::string_view ns, std::string_view name) const {
  return impl_->store.get(ns, name);
}
std::vector<ObjectPtr> Informer::list(std::string_view ns) const { return impl_->store.list(ns); }
std::vector<ObjectPtr> Informer::by_index(std::string_view index, std::string_view key) const {
  return impl_->store.by_index(index, key);
}
size_t Informer::size() const { return impl_->store.size(); }
const std::string& Informer::resource_version() const { return impl_->at_revision; }

struct InformerFactory::Impl {
  Impl(Loop& l, Client& c, Random& r) : loop(l), client(c), random(r), gate(l) {}
  void launch(Informer& informer) {
    informer.impl_->wanted = true;
    if (std::exchange(informer.impl_->running, true)) return;
    gate.spawn(run(informer.impl_.get()));
  }
  Task<void> run(Informer::Impl* informer);

  Loop& loop;
  Client& client;
  Random& random;
  Gate gate;
  StopSource stop;
  bool started = false;
  std::map<std::string, std::unique_ptr<Informer>> informers;
};

// One run at a time: an earlier one must not write what a later one knows better.
Task<void> InformerFactory::Impl::run(Informer::Impl* informer) {
  while (informer->wanted && !stop.stop_requested()) {
    informer->stop = StopSource(stop.token());
    co_await informer->reflector.run(informer->stop.token());
    if (!informer->wanted) informer->forget();
  }
  informer->running = false;
}

InformerFactory::InformerFactory(Loop& loop, Client& client, Random& random)
    : impl_(std::make_unique<Impl>(loop, client, random)) {}
InformerFactory::~InformerFactory() = default;

Informer& InformerFactory::informer(const schema::Resource& resource, ListOptions selector,
                                    std::string ns) {
  std::string key =
      resource_path(resource, ns) + "?" + selector.label_selector + "&" + selector.field_selector;
  auto found = impl_->informers.find(key);
  if (found != impl_->informers.end()) {
    if (impl_->started) impl_->launch(*found->second);
    return *found->second;
  }
  auto impl = std::make_unique<Informer::Impl>(impl_->loop, impl_->client, impl_->random, resource,
                                               std::move(selector), std::move(ns));
  std::unique_ptr<Informer> made(new Informer(std::move(impl)));
  Informer& informer = *impl_->informers.emplace(key, std::move(made)).first->second;
  if (impl_->started) {
    // From the loop, so that the caller can add handlers and indexes first.
    impl_->loop.post([this, alive = informer.impl_->alive, &informer] {
      if (*alive && !impl_->stop.stop_requested()) impl_->launch(informer);
    });
  }
  return informer;
}

void InformerFactory::suspend(const schema::Resource& resource) {
  auto found = impl_->informers.find(resource_path(resource, "") + "?&");
  if (found == impl_->informers.end()) return;
  Informer::Impl& informer = *found->second->impl_;
  informer.wanted = false;
  informer.stop.request_stop();
  informer.forget();
}

void InformerFactory::start() {
  impl_->started = true;
  for (auto& [key, informer] : impl_->informers) impl_->launch(*informer);
}

Task<bool> InformerFactory::wait_for_sync(StopToken stop) {
  std::vector<Informer*> all;
  for (auto& [key, informer] : impl_->informers) all.push_back(informer.get());
  for (Informer* informer : all) {
    bool synced = co_await informer->wait_for_sync(stop);
    if (!synced) co_return false;
  }
  co_return true;
}

Task<void> InformerFactory::stop() {
  impl_->stop.request_stop();
  co_await impl_->gate.close();
}

}  // namespace tiphys::client
