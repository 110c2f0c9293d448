#include "controllers/slice_packing.h"

#include <algorithm>

#include "kinds/metadata.h"

namespace tiphys::controllers {

namespace {

void fill(PlannedSlice& slice, EndpointSet& endpoints, size_t limit) {
  while (!endpoints.empty() && slice.endpoints.size() < limit) {
    slice.endpoints.push_back(endpoints.extract(endpoints.begin()).mapped());
    slice.changed = true;
  }
}

// The slices of one set of ports.
class PortGroup {
 public:
  PortGroup(const ServicePorts& ports, EndpointSet wanted, size_t limit)
      : ports_(ports), homeless_(std::move(wanted)), limit_(limit) {}

  // Keeps of a slice what is still wanted.
  void keep(const ObjectPtr& object);
  void place();
  void move_to(Packing& packing);

 private:
  PlannedSlice* best_fit();

  const ServicePorts& ports_;
  EndpointSet homeless_;
  size_t limit_;
  std::vector<PlannedSlice> slices_;
};

void PortGroup::keep(const ObjectPtr& object) {
  PlannedSlice slice{object, ports_, {}, false};
  for (discovery_v1::Endpoint before : discovery_v1::EndpointSlice(*object).endpoints()) {
    auto found = homeless_.extract(key_of(before));
    if (found.empty()) {
      slice.changed = true;
      continue;
    }
    discovery_v1::EndpointEdit endpoint = found.mapped();
    if (before.has_hints()) endpoint.set_hints(before.hints());
    if (!equal(endpoint.view(), before)) slice.changed = true;
    slice.endpoints.push_back(endpoint);
  }
  slices_.push_back(std::move(slice));
}

// The slice without changes that is fullest with all that are left; null: none has room for all.
PlannedSlice* PortGroup::best_fit() {
  PlannedSlice* best = nullptr;
  for (PlannedSlice& slice : slices_) {
    if (slice.changed || slice.endpoints.size() + homeless_.size() > limit_) continue;
    if (!best || slice.endpoints.size() > best->endpoints.size()) best = &slice;
  }
  return best;
}

void PortGroup::place() {
  std::vector<PlannedSlice*> changed;
  for (PlannedSlice& slice : slices_) {
    if (slice.changed && !slice.endpoints.empty()) changed.push_back(&slice);
  }
  // The fullest first.
  std::ranges::sort(changed, {}, [this](const PlannedSlice* slice) {
    return std::pair(limit_ - std::min(limit_, slice->endpoints.size()), name_of(*slice->object));
  });
  for (PlannedSlice* slice : changed) fill(*slice, homeless_, limit_);
  while (!homeless_.empty()) {
    PlannedSlice* slice = best_fit();
    if (!slice) slice = &slices_.emplace_back(PlannedSlice{nullptr, ports_, {}, true});
    fill(*slice, homeless_, limit_);
  }
}

void PortGroup::move_to(Packing& packing) {
  for (PlannedSlice& slice : slices_) {
    if (slice.endpoints.empty()) {
      packing.unneeded.push_back(std::move(slice.object));
    } else {
      packing.slices.push_back(std::move(slice));
    }
  }
}

// A slice that is not needed serves as one that is missing.
void reuse(Packing& packing) {
  for (PlannedSlice& slice : packing.slices) {
    if (slice.object || packing.unneeded.empty()) continue;
    slice.object = std::move(packing.unneeded.back());
    packing.unneeded.pop_back();
  }
}

}  // namespace

EndpointKey key_of(const discovery_v1::Endpoint& endpoint) {
  std::string addresses;
  for (std::string_view address : endpoint.addresses()) addresses += std::string(address) + ",";
  return {std::move(addresses), std::string(endpoint.hostname()),
          std::string(endpoint.target_ref().namespace_()),
          std::string(endpoint.target_ref().name())};
}

Packing pack_endpoints(const std::vector<ObjectPtr>& known,
                       std::map<ServicePorts, EndpointSet> wanted, size_t limit) {
  Packing packing;
  std::map<ServicePorts, PortGroup> groups;
  for (auto& [ports, endpoints] : wanted) {
    groups.try_emplace(ports, ports, std::move(endpoints), limit);
  }
  for (const ObjectPtr& object : known) {
    auto group = groups.find(ports_of(discovery_v1::EndpointSlice(*object)));
    if (group == groups.end()) {
      packing.unneeded.push_back(object);
    } else {
      group->second.keep(object);
    }
  }
  for (auto& [ports, group] : groups) {
    group.place();
    group.move_to(packing);
  }
  if (packing.slices.empty()) packing.slices.push_back({nullptr, {}, {}, true});
  reuse(packing);
  return packing;
}

}  // namespace tiphys::controllers
