// UntypedResource: a resource that the server serves and the schema doesn't know, for Client's and
// informers' calls: its objects are PartialObjectMetadata. Neither copied nor moved: resource()
// looks into it, and what is made of it needs it for as long.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "client/discovery.h"
#include "kinds/meta_v1.h"

namespace tiphys::client {

class UntypedResource {
 public:
  explicit UntypedResource(DiscoveredResource found)
      : found_(std::move(found)), verbs_(found_.verbs.begin(), found_.verbs.end()) {
    view_.group = found_.group;
    view_.version = found_.version;
    view_.resource = found_.resource;
    view_.kind = found_.kind;
    view_.namespaced = found_.namespaced;
    view_.verbs = verbs_;
    view_.message = &meta_v1::PartialObjectMetadata::message();
    view_.list_message = &meta_v1::PartialObjectMetadataList::message();
    kind_.gvk = {found_.group, found_.version, found_.kind};
    kind_.message = view_.message;
    kind_.namespaced = found_.namespaced;
    view_.type = &kind_;
  }
  UntypedResource(const UntypedResource&) = delete;
  UntypedResource& operator=(const UntypedResource&) = delete;
  const schema::Resource& resource() const { return view_; }

 private:
  DiscoveredResource found_;
  std::vector<std::string_view> verbs_;
  schema::Kind kind_;
  schema::Resource view_;
};

}  // namespace tiphys::client
