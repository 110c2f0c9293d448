// LimitRanger: a namespace's LimitRanges fill in what containers ask for, and bound it.
// Upstream: plugin/pkg/admission/limitranger.
#include <cstdio>
#include <map>

#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using core_v1::LimitRange;
using core_v1::LimitRangeItem;
using core_v1::Pod;
using core_v1::PodEdit;
using Amounts = std::map<std::string, Quantity, std::less<>>;

constexpr std::string_view kAnnotation = "kubernetes.io/limit-ranger";

Amounts amounts(const MapView<std::string_view>& map) {
  Amounts result;
  for (const auto& entry : map) result[std::string(entry.key)] = Quantity::of(entry.value);
  return result;
}

// Requests and limits of one container, a pod or a claim.
struct Usage {
  Amounts requests;
  Amounts limits;
};

Usage usage_of(const core_v1::ResourceRequirements& resources) {
  return {amounts(resources.requests()), amounts(resources.limits())};
}

void add(Amounts& sum, const Amounts& more) {
  for (const auto& [name, amount] : more) sum[name] += amount;
}

void raise(Amounts& sum, const Amounts& other) {
  for (const auto& [name, amount] : other) {
    if (!sum.contains(name) || sum[name] < amount) sum[name] = amount;
  }
}

// Containers run together, init containers one by one before them.
Usage usage_of(const Pod& pod) {
  Usage total;
  for (const auto& container : pod.spec().containers()) {
    Usage one = usage_of(container.resources());
    add(total.requests, one.requests);
    add(total.limits, one.limits);
  }
  for (const auto& container : pod.spec().init_containers()) {
    Usage one = usage_of(container.resources());
    raise(total.requests, one.requests);
    raise(total.limits, one.limits);
  }
  return total;
}

const Quantity* find(const Amounts& list, const std::string& name) {
  auto found = list.find(name);
  return found == list.end() ? nullptr : &found->second;
}

class Checker {
 public:
  Checker(const LimitRangeItem& item, const Usage& usage) : item_(item), usage_(usage) {}

  void check(std::vector<std::string>& errors) {
    errors_ = &errors;
    bool claim = item_.type() == "PersistentVolumeClaim";
    for (const auto& [name, bound] : amounts(item_.min())) check_min(name, bound);
    for (const auto& [name, bound] : amounts(item_.max())) {
      if (claim) {
        check_max_request(name, bound);
      } else {
        check_max(name, bound);
      }
    }
    for (const auto& [name, ratio] : amounts(item_.max_limit_request_ratio())) {
      check_ratio(name, ratio);
    }
  }

 private:
  void fail(const char* bound, const std::string& name, const Quantity& value,
            const std::string& rest) {
    errors_->push_back(std::string(bound) + " " + name + " usage per " + std::string(item_.type()) +
                       " is " + value.text() + rest);
  }

  void check_min(const std::string& name, const Quantity& bound) {
    const Quantity* request = find(usage_.requests, name);
    const Quantity* limit = find(usage_.limits, name);
    if (!request) return fail("minimum", name, bound, ".  No request is specified");
    if (*request < bound) fail("minimum", name, bound, ", but request is " + request->text());
    if (limit && *limit < bound) fail("minimum", name, bound, ", but limit is " + limit->text());
  }

  void check_max(const std::string& name, const Quantity& bound) {
    const Quantity* request = find(usage_.requests, name);
    const Quantity* limit = find(usage_.limits, name);
    if (!limit) return fail("maximum", name, bound, ".  No limit is specified");
    if (*limit > bound) return fail("maximum", name, bound, ", but limit is " + limit->text());
    if (request && *request > bound) {
      fail("maximum", name, bound, ", but request is " + request->text());
    }
  }

  void check_max_request(const std::string& name, const Quantity& bound) {
    const Quantity* request = find(usage_.requests, name);
    if (!request) return fail("maximum", name, bound, ".  No request is specified");
    if (*request > bound) fail("maximum", name, bound, ", but request is " + request->text());
  }

  void check_ratio(const std::string& name, const Quantity& bound) {
    std::string start = name + " max limit to request ratio per " + std::string(item_.type()) +
                        " is " + bound.text() + ", but ";
    const Quantity* request = find(usage_.requests, name);
    const Quantity* limit = find(usage_.limits, name);
    if (!request || request->is_zero()) {
      errors_->push_back(start + "no request is specified or request is 0");
    } else if (!limit || limit->is_zero()) {
      errors_->push_back(start + "no limit is specified or limit is 0");
    } else if (double ratio = limit->approximate() / request->approximate();
               ratio > bound.approximate()) {
      char text[64];
      snprintf(text, sizeof text, "provided ratio is %f", ratio);
      errors_->push_back(start + text);
    }
  }

  const LimitRangeItem item_;
  const Usage& usage_;
  std::vector<std::string>* errors_ = nullptr;
};

// Sets what is missing of `defaults`; the names that were set, sorted.
template <class MapEditor>
std::vector<std::string> merge(const MapView<std::string_view>& have, const Amounts& defaults,
                               MapEditor edit) {
  std::vector<std::string> names;
  for (const auto& [name, amount] : defaults) {
    if (have.contains(name)) continue;
    names.push_back(name);
  }
  for (const std::string& name : names) edit.set(name, defaults.at(name).text());
  return names;
}

template <class List>
void merge_all(const char* what, List containers, const Usage& defaults,
               std::vector<std::string>& notes) {
  for (size_t i = 0; i < containers.size(); i++) {
    auto container = containers[i];
    std::string name = std::string(what) + " " + std::string(container.view().name());
    auto resources = container.edit_resources();
    std::vector<std::string> set;
    if (!defaults.requests.empty()) {
      set = merge(resources.view().requests(), defaults.requests, resources.edit_requests());
      if (!set.empty()) notes.push_back(join(set, ", ") + " request for " + name);
    }
    if (!defaults.limits.empty()) {
      set = merge(resources.view().limits(), defaults.limits, resources.edit_limits());
      if (!set.empty()) notes.push_back(join(set, ", ") + " limit for " + name);
    }
  }
}

class LimitRanger : public PlainPlugin {
 public:
  explicit LimitRanger(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "LimitRanger"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !is_create(request)) return {};
    for (const ObjectPtr& object : lookup_.list("", "limitranges", request.ns)) {
      fill(*request.object, LimitRange(*object));
    }
    return {};
  }

  Result<void> check(const AdmissionRequest& request) override {
    bool pod = is_for(request, "", "pods") && is_create(request);
    bool claim =
        is_for(request, "", "persistentvolumeclaims") && (is_create(request) || is_update(request));
    if (!pod && !claim) return {};
    std::vector<std::string> errors;
    for (const ObjectPtr& object : lookup_.list("", "limitranges", request.ns)) {
      for (const auto& item : LimitRange(*object).spec().limits()) {
        if (pod) {
          check_pod(item, Pod(*request.object), errors);
        } else if (item.type() == "PersistentVolumeClaim") {
          core_v1::PersistentVolumeClaim view(*request.object);
          Usage usage{amounts(view.spec().resources().requests()), {}};
          Checker(item, usage).check(errors);
        }
      }
    }
    if (errors.empty()) return {};
    return denied(request, errors.size() == 1 ? errors[0] : "[" + join(errors, ", ") + "]");
  }

 private:
  static void fill(Draft& pod, const LimitRange& range) {
    Usage defaults;
    for (const auto& item : range.spec().limits()) {
      if (item.type() != "Container") continue;
      for (auto& [name, amount] : amounts(item.default_request())) defaults.requests[name] = amount;
      for (auto& [name, amount] : amounts(item.default_())) defaults.limits[name] = amount;
    }
    if (defaults.requests.empty() && defaults.limits.empty()) return;
    std::vector<std::string> notes;
    auto spec = PodEdit(pod).edit_spec();
    if (!spec.view().containers().empty()) {
      merge_all("container", spec.edit_containers(), defaults, notes);
    }
    if (!spec.view().init_containers().empty()) {
      merge_all("init container", spec.edit_init_containers(), defaults, notes);
    }
    if (notes.empty()) return;
    PodEdit(pod).edit_metadata().edit_annotations().set(
        kAnnotation, "LimitRanger plugin set: " + join(notes, "; "));
  }

  static void check_pod(const LimitRangeItem& item, const Pod& pod,
                        std::vector<std::string>& errors) {
    if (item.type() == "Pod") return Checker(item, usage_of(pod)).check(errors);
    if (item.type() != "Container") return;
    for (const auto& container : pod.spec().containers()) {
      Usage usage = usage_of(container.resources());
      Checker(item, usage).check(errors);
    }
    for (const auto& container : pod.spec().init_containers()) {
      Usage usage = usage_of(container.resources());
      Checker(item, usage).check(errors);
    }
  }

  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_limit_ranger(const AdmissionParts& parts) {
  return std::make_unique<LimitRanger>(*parts.lookup);
}

}  // namespace tiphys::apiserver
