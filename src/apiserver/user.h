// UserInfo and Attributes: who asks, and for what. Values; what every stage of the pipeline shares.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::apiserver {

// As authentication.k8s.io UserInfo.
struct UserInfo {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  bool in_group(std::string_view group) const;
};

inline constexpr std::string_view kSystemMasters = "system:masters";
inline constexpr std::string_view kAllAuthenticated = "system:authenticated";
inline constexpr std::string_view kAllUnauthenticated = "system:unauthenticated";
inline constexpr std::string_view kAnonymous = "system:anonymous";

// What is asked, as upstream's authorizer.Attributes. For non-resource requests only verb (lower
// case HTTP method) and path are set.
struct Attributes {
  bool is_resource = false;
  std::string verb;  // get list watch create update patch delete deletecollection, or HTTP method
  std::string group;
  std::string version;
  std::string resource;
  std::string subresource;
  std::string ns;
  std::string name;
  std::string path;
  std::string field_selector;  // raw text
  std::string label_selector;
};

}  // namespace tiphys::apiserver
