// CustomApi: a model of what a server with CustomResourceDefinitions serves beside its own
// resources: objects without a schema, as JSON, in the group "example.com". For tests only; loop
// thread only.
//
// Modelled: several versions of one resource, revisions, uid, finalizers, propagation policies,
// preconditions, list, watch, merge patches (no strategic ones: 415), the scale subresource, verbs
// that are missing (405), and discovery, which can fail or be of the old kind. Not modelled:
// selectors, pages, conversion, validation, namespaces that are being deleted.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "base/random.h"
#include "base/result.h"
#include "object/value.h"

namespace tiphys::control {

inline constexpr std::string_view kCustomGroup = "example.com";

class CustomApi {
 public:
  CustomApi(Loop& loop, Random& random) : loop_(loop), random_(random) {}

  struct Answer {
    int code = 200;
    std::string body;
  };
  struct Event {
    int64_t revision = 0;
    std::string resource;
    std::string type;  // "ADDED"...
    std::string object;
  };

  // `custom: {resource: widgets, kind: Widget, versions: [v1], cluster: true, scale: true,
  // verbs: [...]}` serves a resource, `{drop: widgets}` no longer, `{failing: v1}` makes a version
  // untold, `{legacy: true}` discovery old, `{malformed: a/b/c}` a group version wrong.
  void change(const Node& step);
  // Nothing: the request is for something else.
  std::optional<Answer> handle(const std::string& method, const std::string& path,
                               const std::string& query, const std::string& body,
                               const std::string& content_type);
  // The resource that a path lists; "" if none.
  std::string listed(const std::string& path) const;
  // Adds what is here to a document of /apis, either kind.
  std::string with_group(std::string document) const;
  bool legacy() const { return legacy_; }

  const std::vector<Event>& history() const { return history_; }
  tiphys::Event& changed() { return changed_; }

 private:
  struct Resource {
    std::string resource;
    std::string kind;
    std::vector<std::string> versions;  // the preferred one first
    std::vector<std::string> verbs;
    bool namespaced = true;
    bool scale = false;
    bool serves(std::string_view verb) const;
  };
  struct Target {
    const Resource* resource = nullptr;
    std::string version;
    std::string ns;
    std::string name;
    std::string sub;
  };
  using Objects = std::map<std::pair<std::string, std::string>, std::string>;  // by ns and name

  std::optional<Target> target_of(const std::string& path) const;
  std::optional<Answer> discovery(const std::string& path) const;
  Answer list(const Target& target);
  Answer create(const Target& target, const std::string& body);
  Answer update(const Target& target, const std::string& body);
  Answer patch(const Target& target, const std::string& body);
  Answer remove(const Target& target, const std::string& name, const std::string& options);
  Answer remove_all(const Target& target, const std::string& options);
  Answer scale(const Target& target, const std::string* body);
  Answer store(const Target& target, const std::string& name, Arena& arena, Value object);
  std::string versioned(const Target& target, const std::string& object) const;
  void tell(const Resource& resource, std::string type, std::string object);
  std::string resources_json(const std::string& version, bool aggregated) const;
  std::vector<std::string> versions() const;

  Loop& loop_;
  Random& random_;
  std::map<std::string, Resource> resources_;
  std::map<std::string, Objects> objects_;  // by resource
  std::string failing_;                     // a version
  std::string malformed_;
  bool legacy_ = false;
  int64_t revision_ = 1000;
  std::vector<Event> history_;
  tiphys::Event changed_{loop_};
};

}  // namespace tiphys::control
