// Discovery: which resources the server at hand serves, asked for as upstream's clients do: the
// aggregated documents of /api and /apis, or one document a group version of servers without them.
//
// Loop thread only. A group version that can't be told about (its own server is away) fails alone:
// nothing may be concluded about its resources.
// Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api,
// k8s.io/client-go/discovery.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"

namespace tiphys::client {

struct DiscoveredResource {
  std::string group;
  std::string version;
  std::string resource;  // plural
  std::string kind;
  bool namespaced = false;
  std::vector<std::string> verbs;
  std::vector<std::string> subresources;  // "status", "scale"

  bool has_verb(std::string_view verb) const;
  bool has_subresource(std::string_view name) const;
};

struct Discovered {
  std::vector<DiscoveredResource> resources;  // every version of each, in the server's order
  std::vector<size_t> preferred;              // of resources: one version of each
  std::map<std::string, std::string> failed;  // "group/version" -> why nothing is known of it
  std::vector<std::string> malformed;         // `unexpected GroupVersion string: a/b/c`

  // `unable to retrieve the complete list of server APIs: example.com/v1: ...`; "" if nothing
  // failed.
  std::string failure() const;
};

class Discovery {
 public:
  explicit Discovery(Client& client) : client_(client) {}
  // What is served now; the very same value while nothing changed. Errors: the server can't be
  // asked, or answers with what is no discovery document.
  Task<Result<std::shared_ptr<const Discovered>>> ask();

 private:
  Task<Result<std::string>> document(std::string path);
  Task<Result<void>> read_all(std::string core, std::string groups, Discovered* found);
  Client& client_;
  std::string core_;  // what /api and /apis said last
  std::string groups_;
  std::shared_ptr<const Discovered> last_;
};

// ---- the documents, pure ----

// A group version to ask for, of an APIVersions or APIGroupList.
struct GroupVersionToAsk {
  std::string group;
  std::string version;
  bool preferred = false;  // by its group
};

// Adds what an APIGroupDiscoveryList says. Error: it is none.
Result<void> read_aggregated(std::string_view json, Discovered& found);
// Adds to `ask` what an APIVersions or APIGroupList lists. Error: it is neither.
Result<void> read_groups(std::string_view json, std::vector<GroupVersionToAsk>& ask,
                         Discovered& found);
// Adds the resources of an APIResourceList. Error: it is none.
Result<void> read_resources(std::string_view json, const GroupVersionToAsk& of, Discovered& found);

}  // namespace tiphys::client
