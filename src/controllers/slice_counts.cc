#include "controllers/slice_counts.h"

#include "client/object_key.h"
#include "kinds/discovery_v1.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

using Endpoints = std::map<std::string, discovery_v1::Endpoint>;

std::string identity(discovery_v1::Endpoint endpoint) {
  std::string text;
  if (!endpoint.addresses().empty()) text = endpoint.addresses()[0];
  return text + ' ' + std::string(endpoint.target_ref().uid());
}

std::string ports_text(discovery_v1::EndpointSlice slice) {
  std::string text(slice.address_type());
  for (discovery_v1::EndpointPort port : slice.ports()) {
    text += ' ' + std::string(port.name()) + '/' + std::string(port.protocol()) + '/' +
            std::to_string(port.port());
  }
  return text;
}

void collect(const std::vector<ObjectPtr>& slices, Endpoints& into) {
  for (const ObjectPtr& object : slices) {
    for (auto endpoint : discovery_v1::EndpointSlice(*object).endpoints()) {
      into.emplace(identity(endpoint), endpoint);
    }
  }
}

std::vector<ObjectPtr> applied(const std::vector<ObjectPtr>& before,
                               const std::vector<Action>& actions, SliceCounts& counts) {
  std::map<std::string, ObjectPtr, std::less<>> by_name;
  for (const ObjectPtr& slice : before) {
    by_name[std::string(metadata(*slice).name())] = slice;
  }
  std::vector<ObjectPtr> after;
  for (const Action& action : actions) {
    if (action.verb == Action::Verb::kNote || !action.object) continue;
    ++counts.changed_slices;
    by_name.erase(std::string(metadata(*action.object).name()));
    if (action.verb != Action::Verb::kDelete) after.push_back(action.object);
  }
  for (auto& [name, slice] : by_name) after.push_back(std::move(slice));
  return after;
}

}  // namespace

SliceCounts count_slices(const std::vector<ObjectPtr>& before, const std::vector<Action>& actions,
                         size_t most_in_a_slice) {
  SliceCounts counts;
  std::vector<ObjectPtr> after = applied(before, actions, counts);
  Endpoints old_ones;
  Endpoints new_ones;
  collect(before, old_ones);
  collect(after, new_ones);
  for (const auto& [key, endpoint] : new_ones) {
    auto known = old_ones.find(key);
    if (known == old_ones.end()) {
      ++counts.added;
    } else if (!equal(known->second, endpoint)) {
      ++counts.updated;
    }
  }
  counts.removed = old_ones.size() + counts.added - new_ones.size();
  std::map<std::string, size_t> by_ports;
  for (const ObjectPtr& slice : after) {
    discovery_v1::EndpointSlice view(*slice);
    by_ports[ports_text(view)] += view.endpoints().size();
  }
  counts.slices = after.size();
  for (const auto& [ports, endpoints] : by_ports) {
    counts.endpoints += endpoints;
    counts.desired_slices += (endpoints + most_in_a_slice - 1) / most_in_a_slice;
  }
  return counts;
}

void SliceTotals::put(const std::string& key, const SliceCounts& counts) {
  SliceCounts& known = of_[key];
  sum_.endpoints += counts.endpoints - known.endpoints;
  sum_.slices += counts.slices - known.slices;
  sum_.desired_slices += counts.desired_slices - known.desired_slices;
  known = counts;
  metrics_.added.get().observe(static_cast<double>(counts.added));
  metrics_.removed.get().observe(static_cast<double>(counts.removed));
  tell();
}

void SliceTotals::erase(const std::string& key) {
  auto known = of_.find(key);
  if (known == of_.end()) return;
  sum_.endpoints -= known->second.endpoints;
  sum_.slices -= known->second.slices;
  sum_.desired_slices -= known->second.desired_slices;
  of_.erase(known);
  tell();
}

void SliceTotals::tell() {
  metrics_.endpoints.get().set(static_cast<double>(sum_.endpoints));
  metrics_.slices.get().set(static_cast<double>(sum_.slices));
  metrics_.desired_slices.get().set(static_cast<double>(sum_.desired_slices));
}

void SliceTotals::count_change(const Action& action) {
  if (action.verb == Action::Verb::kNote) return;
  bool created = action.verb == Action::Verb::kCreate;
  bool deleted = action.verb == Action::Verb::kDelete;
  metrics_.changes.with({created ? "create" : deleted ? "delete" : "update"}).add();
}

}  // namespace tiphys::controllers
