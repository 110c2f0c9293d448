#include "scheduler/snapshot_feed.h"

#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

constexpr std::string_view kStorage = "storage.k8s.io";

const schema::Resource* resource(std::string_view group, std::string_view name) {
  return schema::find_resource(group, "v1", name);
}

void feed_node(Snapshot& snapshot, const ObjectPtr& old, const ObjectPtr& now) {
  if (now) {
    snapshot.set_node(now);
  } else {
    snapshot.remove_node(name_of(*old));
  }
}
void feed_namespace(Snapshot& snapshot, const ObjectPtr& old, const ObjectPtr& now) {
  snapshot.set_namespace(name_of(now ? *now : *old), now);
}
void feed_owner(Snapshot& snapshot, const ObjectPtr& old, const ObjectPtr& now) {
  snapshot.set_owner(old, now);
}
template <void (VolumeIndex::*set)(const ObjectPtr& old, const ObjectPtr& now)>
void feed_volumes(Snapshot& snapshot, const ObjectPtr& old, const ObjectPtr& now) {
  (snapshot.volumes().*set)(old, now);
}

}  // namespace

std::span<const SnapshotFeed> snapshot_feeds() {
  static const SnapshotFeed kFeeds[] = {
      {resource("", "nodes"), feed_node},
      {resource("", "namespaces"), feed_namespace},
      {resource("", "services"), feed_owner},
      {resource("", "replicationcontrollers"), feed_owner},
      {resource("apps", "replicasets"), feed_owner},
      {resource("apps", "statefulsets"), feed_owner},
      {resource("", "persistentvolumeclaims"), feed_volumes<&VolumeIndex::set_claim>},
      {resource("", "persistentvolumes"), feed_volumes<&VolumeIndex::set_volume>},
      {resource(kStorage, "storageclasses"), feed_volumes<&VolumeIndex::set_class>},
      {resource(kStorage, "csinodes"), feed_volumes<&VolumeIndex::set_csi_node>},
      {resource(kStorage, "csidrivers"), feed_volumes<&VolumeIndex::set_csi_driver>},
      {resource(kStorage, "csistoragecapacities"), feed_volumes<&VolumeIndex::set_capacity>},
      {resource(kStorage, "volumeattachments"), feed_volumes<&VolumeIndex::set_attachment>},
  };
  return kFeeds;
}

}  // namespace tiphys::scheduler
