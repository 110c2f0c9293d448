// ImageLocality: nodes that hold the pod's images already, weighed by size and by how many nodes
// hold them (so that one node doesn't draw everything).
#include <algorithm>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

constexpr int64_t kMegabyte = 1024 * 1024;
constexpr int64_t kMinThreshold = 23 * kMegabyte;
constexpr int64_t kMaxContainerThreshold = 1000 * kMegabyte;

class ImageScorer : public Scorer {
 public:
  ImageScorer(const PodInfo& pod, const Snapshot& snapshot)
      : max_threshold_(kMaxContainerThreshold * static_cast<int64_t>(pod.images.size())) {
    double nodes = static_cast<double>(snapshot.nodes().size());
    for (const std::string& image : pod.images) {
      int holders = snapshot.nodes_with_image(image);
      if (holders > 0) images_.push_back({image, holders / nodes});
    }
  }
  int64_t score(const NodeInfo& node) const override {
    int64_t sum = 0;
    for (const auto& [name, spread] : images_) {
      auto at = node.images.find(name);
      if (at != node.images.end()) {
        sum += static_cast<int64_t>(static_cast<double>(at->second) * spread);
      }
    }
    sum = std::clamp(sum, kMinThreshold, std::max(kMinThreshold, max_threshold_));
    if (max_threshold_ <= kMinThreshold) return 0;
    return kMaxNodeScore * (sum - kMinThreshold) / (max_threshold_ - kMinThreshold);
  }
  bool nowhere() const { return images_.empty(); }

 private:
  int64_t max_threshold_;
  std::vector<std::pair<std::string, double>> images_;
};

std::unique_ptr<Scorer> make(const Query& query, std::span<const NodeInfo* const>) {
  auto scorer = std::make_unique<ImageScorer>(query.pod, query.snapshot);
  if (scorer->nowhere()) return nullptr;  // zero for every node
  return scorer;
}

}  // namespace

constinit const Plugin kImageLocality = {.name = "ImageLocality", .weight = 1, .make_scorer = make};

}  // namespace tiphys::scheduler
