// ServedResources: which resources the server at hand serves while time passes, for controllers
// that work on all of them. Those that the schema doesn't know (custom resources) are there as
// untyped ones.
//
// Loop thread only. It looks at discovery when a CustomResourceDefinition or an APIService changes,
// every 30 s while there are some (or the server could not tell about a group), else every ten
// minutes. A group that can't be told about keeps what it had; if nothing can be told, nothing
// changes. Resources are never freed, so that they can be borrowed for good.
#pragma once
#include <functional>
#include <memory>

#include "async/gate.h"
#include "client/discovery.h"
#include "client/informer.h"
#include "client/untyped_resource.h"

namespace tiphys::controllers {

// The resource as the schema knows it, if it does. CustomResourceDefinitions are large, and nobody
// needs more than their metadata: they have no type here.
const schema::Resource* typed_resource(const client::DiscoveredResource& found);

class ServedResources {
 public:
  ServedResources(Loop& loop, client::Client& client, client::InformerFactory& informers);
  ~ServedResources();  // Requires: stop() finished, or nothing was awaited

  // Told about each resource whose objects can be listed, watched and deleted, in the version that
  // the server prefers, Events aside: when it comes and when it goes. Before the first known().
  using Listener = std::function<void(const schema::Resource& resource, bool served)>;
  void add_listener(Listener listener);
  // Told of each look at which the server could not tell anything. Before the first known().
  void add_failure_listener(std::function<void()> listener);
  // True once the server has told what it serves; false if stopped first. Begins to look.
  Task<bool> known(StopToken stop);
  // The resource of a kind in whatever version, in the one that the server prefers; null: none.
  const schema::Resource* of_kind(std::string_view group, std::string_view kind) const;
  Task<void> stop();

 private:
  using Name = std::pair<std::string, std::string>;  // group and resource, or kind
  Task<void> look();
  void take(const client::Discovered& found);
  const schema::Resource* intern(const client::DiscoveredResource& found);
  void put(const Name& name, const schema::Resource* resource, const client::Discovered& found);
  void follow_definitions();
  Duration pause() const;
  void tell(const schema::Resource& resource, bool served);

  Loop& loop_;
  client::Discovery discovery_;
  client::InformerFactory& informers_;
  Gate gate_;
  StopSource stop_;
  bool looking_ = false;
  Event known_;
  Event changed_;        // a definition did
  int quick_looks_ = 0;  // still to come: what a definition defines is served some time later
  std::vector<client::Informer*> definitions_;
  std::shared_ptr<const client::Discovered> last_;
  std::vector<Listener> listeners_;
  std::vector<std::function<void()>> failure_listeners_;
  std::map<Name, const schema::Resource*> watchable_;  // by group and resource
  std::map<Name, const schema::Resource*> kinds_;      // by group and kind
  std::map<std::string, std::unique_ptr<client::UntypedResource>> untyped_;
};

}  // namespace tiphys::controllers
