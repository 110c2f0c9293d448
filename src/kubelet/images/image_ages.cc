#include "kubelet/images/image_ages.h"

#include <algorithm>
#include <tuple>

namespace tiphys::kubelet {

void ImageAges::observe(const std::vector<ImageRecord>& images, const std::set<std::string>& used,
                        MicroTime now) {
  std::map<std::string, Record> next;
  for (const ImageRecord& image : images) {
    auto known = records_.find(image.id);
    Record record =
        known == records_.end() ? Record{.first_seen = observed_ ? now : 0} : known->second;
    bool in_use = used.contains(image.id);
    if (in_use) record.last_used = now;
    record.kept = in_use || image.pinned;
    record.size_bytes = image.size_bytes;
    next.emplace(image.id, record);
  }
  records_ = std::move(next);
  if (!observed_) started_ = now;
  observed_ = true;
}

std::vector<std::string> ImageAges::removable(MicroTime min_age, MicroTime now) const {
  std::vector<std::string> out;
  for (const auto& [id, record] : records_) {
    if (!record.kept && now - record.first_seen >= min_age) out.push_back(id);
  }
  std::ranges::sort(out, {}, [this](const std::string& id) {
    const Record& record = records_.at(id);
    return std::tuple(record.last_used, record.first_seen, id);
  });
  return out;
}

// Before this process started nobody looked: no image is older than that.
std::vector<std::string> ImageAges::expired(MicroTime max_age, MicroTime now) const {
  std::vector<std::string> out;
  if (max_age <= 0) return out;
  for (const std::string& id : removable(0, now)) {
    const Record& record = records_.at(id);
    MicroTime since = std::max({record.last_used, record.first_seen, started_});
    if (now - since > max_age) out.push_back(id);
  }
  return out;
}

int64_t ImageAges::size_of(const std::string& id) const {
  auto found = records_.find(id);
  return found == records_.end() ? 0 : found->second.size_bytes;
}

int64_t image_bytes_to_free(int64_t capacity, int64_t available, int64_t high, int64_t low) {
  if (capacity <= 0) return 0;
  available = std::clamp<int64_t>(available, 0, capacity);
  double share = static_cast<double>(available) / static_cast<double>(capacity);
  int64_t used_percent = 100 - static_cast<int64_t>(share * 100);
  if (used_percent < high) return 0;
  return std::max<int64_t>(capacity / 100 * (100 - low) - available, 0);
}

}  // namespace tiphys::kubelet
