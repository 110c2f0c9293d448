// Claims, volumes and their like for the scheduler's tests, from short JSON.
#pragma once
#include "scheduler/objects_test.h"

namespace tiphys::scheduler {

struct ClaimShape {
  std::string name = "data";
  std::string storage_class = "wait";  // "": none
  std::string size = "1Gi";
  std::string volume;                        // spec.volumeName; then it is bound
  std::string modes = R"("ReadWriteOnce")";  // members
  std::string annotations;                   // members
  std::string spec;                          // more members
  std::string metadata;                      // more members
  std::string status;                        // members
};

inline ObjectPtr claim_object(const ClaimShape& c) {
  auto more = [](const std::string& text) { return text.empty() ? "" : "," + text; };
  std::string annotations = c.annotations;
  if (!c.volume.empty() && annotations.empty()) {
    annotations = R"("pv.kubernetes.io/bind-completed":"yes")";
  }
  std::string volume = c.volume.empty() ? "" : R"("volumeName":")" + c.volume + "\"";
  return object_of("PersistentVolumeClaim",
                   R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":")" +
                       c.name + R"(","namespace":"default","uid":"uid-)" + c.name +
                       R"(","annotations":{)" + annotations + "}" + more(c.metadata) +
                       R"(},"spec":{"accessModes":[)" + c.modes + R"(],"storageClassName":")" +
                       c.storage_class + R"(","resources":{"requests":{"storage":")" + c.size +
                       "\"}}" + more(volume) + more(c.spec) + R"(},"status":{)" + c.status + "}}");
}

struct VolumeShape {
  std::string name = "pv";
  std::string storage_class = "wait";
  std::string size = "1Gi";
  std::string modes = R"("ReadWriteOnce")";  // members
  std::string node;                          // it can be used from this one only; "": from all
  std::string labels;                        // members
  std::string claim;                         // of namespace "default" that it names
  std::string phase = "Available";
  std::string spec;      // more members
  std::string metadata;  // more members
};

// Node affinity to the node of that name.
inline std::string on_node(const std::string& name) {
  return R"("nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[)"
         R"({"key":"kubernetes.io/hostname","operator":"In","values":[")" +
         name + R"("]}]}]}})";
}

inline ObjectPtr volume_object(const VolumeShape& v) {
  auto more = [](const std::string& text) { return text.empty() ? "" : "," + text; };
  std::string claim;
  if (!v.claim.empty()) {
    claim = R"("claimRef":{"kind":"PersistentVolumeClaim","namespace":"default","name":")" +
            v.claim + R"(","uid":"uid-)" + v.claim + "\"}";
  }
  return object_of("PersistentVolume",
                   R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":")" + v.name +
                       R"(","labels":{)" + v.labels + "}" + more(v.metadata) +
                       R"(},"spec":{"accessModes":[)" + v.modes + R"(],"storageClassName":")" +
                       v.storage_class + R"(","capacity":{"storage":")" + v.size + "\"}" +
                       more(v.node.empty() ? "" : on_node(v.node)) + more(claim) + more(v.spec) +
                       R"(},"status":{"phase":")" + v.phase + "\"}}");
}

inline ObjectPtr class_object(const std::string& name, const std::string& provisioner,
                              const std::string& mode = "WaitForFirstConsumer",
                              const std::string& members = "") {
  return object_of(
      "StorageClass",
      R"({"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":")" + name +
          R"("},"provisioner":")" + provisioner + R"(","volumeBindingMode":")" + mode + "\"" +
          (members.empty() ? "" : "," + members) + "}",
      "storage.k8s.io");
}

inline ObjectPtr storage_object(std::string_view kind, const std::string& name,
                                const std::string& members, const std::string& ns = "") {
  std::string in = ns.empty() ? "" : R"(,"namespace":")" + ns + "\"";
  return object_of(kind,
                   R"({"apiVersion":"storage.k8s.io/v1","kind":")" + std::string(kind) +
                       R"(","metadata":{"name":")" + name + "\"" + in + "}," + members + "}",
                   "storage.k8s.io");
}

// Pod volumes that mount the claims.
inline std::string claim_volumes(const std::vector<std::string>& claims) {
  std::string list;
  for (const std::string& claim : claims) {
    list += (list.empty() ? "" : ",") +
            (R"({"name":"v)" + std::to_string(list.size()) +
             R"(","persistentVolumeClaim":{"claimName":")" + claim + "\"}}");
  }
  return R"("volumes":[)" + list + "]";
}

}  // namespace tiphys::scheduler
