// ImagePuller: makes a container's image present, by its pull policy. After upstream's
// pkg/kubelet/images/image_manager.go.
//
// Loop thread only. Pulls run beside each other, one of the same image at a time; one that failed
// is tried again after 10 s to 5 min. Before a pull, new tarballs in <data>/images are imported.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "async/loop.h"
#include "kubelet/pods/back_off.h"
#include "kubelet/pods/model.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

struct ImageOutcome {
  ImageRecord image;
  std::string requested;   // the full name
  std::optional<Why> why;  // set: it isn't there (ErrImagePull, ImagePullBackOff, ...)
  MicroTime retry_at = 0;  // with why: when to ask again
};

class ImagePuller {
 public:
  // record: (type, reason, message) of an event about the container.
  using Record = std::function<void(std::string_view, std::string_view, const std::string&)>;
  using ImportNew = std::function<Task<bool>()>;
  ImagePuller(Loop& loop, Runtime& runtime, ImportNew import_new)
      : loop_(loop), runtime_(runtime), import_new_(std::move(import_new)), idle_(loop) {}

  // fetching: called when the image isn't there and is fetched, which ends with the answer.
  Task<ImageOutcome> ensure(std::string image, std::string policy, std::string pod_uid,
                            RegistryAuth auth, ObjectPtr sandbox_config, Record record,
                            std::function<void()> fetching);
  // Told of each pull that succeeded: how long it took, with the wait for others, and its size.
  using Pulled = std::function<void(Duration took, int64_t bytes)>;
  void observe(Pulled pulled) { pulled_ = std::move(pulled); }
  void forget_pod(const std::string& pod_uid);

 private:
  Task<ImageOutcome> pull(std::string name, std::string key, RegistryAuth auth,
                          ObjectPtr sandbox_config, Record record);

  Loop& loop_;
  Runtime& runtime_;
  ImportNew import_new_;
  Pulled pulled_;
  BackOff back_off_;
  std::map<std::string, MicroTime> failed_at_;
  std::map<std::string, std::string> errors_;
  std::set<std::string> pulling_;
  Event idle_;
};

}  // namespace tiphys::kubelet
