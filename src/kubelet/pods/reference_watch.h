// ReferenceWatch: tells pods when a ConfigMap or Secret that they refer to changes. One watch an
// object, however many pods use it: a node may see no more than what its pods refer to.
//
// Loop thread only. It notifies, it keeps no objects: who is told reads anew. An immutable object
// is not watched any further. After upstream's pkg/kubelet/util/manager (watch_based_manager.go).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "async/gate.h"
#include "client/reflector.h"
#include "kubelet/pods/references.h"

namespace tiphys::kubelet {

class ReferenceWatch {
 public:
  // kind: "ConfigMap" or "Secret". revision: of the object, "" if it is gone or was never there.
  using Changed = std::function<void(std::string_view kind, const std::string& name,
                                     const std::string& revision)>;

  ReferenceWatch(Loop& loop, client::Client& client, Random& random);
  ~ReferenceWatch();  // Requires: stop() finished, or never used
  // What a pod refers to from now on; `changed` is called from the loop, also with what a new watch
  // finds first.
  void set(const std::string& uid, const std::string& ns, const References& references,
           Changed changed);
  void forget(const std::string& uid);
  // False while a change of something that this pod refers to might be missed.
  bool complete(const std::string& uid) const;
  size_t watches() const { return entries_.size(); }
  Task<void> stop();

 private:
  struct Entry;
  using Key = std::pair<std::string, std::string>;  // kind, "namespace/name"
  void add(const std::string& uid, std::string_view kind, const std::string& ns,
           const std::string& name, const Changed& changed);
  Task<void> watch(std::shared_ptr<Entry> entry);

  Loop& loop_;
  client::Client& client_;
  Random& random_;
  Gate gate_;
  StopSource stop_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  std::map<std::string, std::set<Key>> by_pod_;
};

}  // namespace tiphys::kubelet
