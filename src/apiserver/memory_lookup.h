// MemoryLookup: a Lookup over objects put into it; for tests.
#pragma once
#include <map>
#include <tuple>

#include "apiserver/lookup.h"
#include "codec/codec.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {

class MemoryLookup : public Lookup {
 public:
  // Puts an object given as JSON or YAML with kind and apiVersion; aborts if it is malformed.
  ObjectPtr put(std::string_view text) {
    auto draft = codec::decode_object(codec::Format::kYaml, text, nullptr, nullptr);
    if (!draft) {
      fprintf(stderr, "%s\n", draft.error().message().c_str());
      abort();
    }
    return put(draft->freeze());
  }
  ObjectPtr put(ObjectPtr object) {
    const GroupVersionKind& gvk = *object->gvk();
    const auto* resource = schema::find_resource_of_kind(gvk.group, gvk.version, gvk.kind);
    meta_v1::ObjectMeta metadata = metadata_of(*object);
    change({std::string(gvk.group), std::string(resource->resource)},
           {std::string(metadata.namespace_()), std::string(metadata.name())}, object);
    return object;
  }
  void remove(std::string_view group, std::string_view resource, std::string_view ns,
              std::string_view name) {
    change({std::string(group), std::string(resource)}, {std::string(ns), std::string(name)},
           nullptr);
  }

  ObjectPtr get(std::string_view group, std::string_view resource, std::string_view ns,
                std::string_view name) const override {
    auto kind = objects_.find({std::string(group), std::string(resource)});
    if (kind == objects_.end()) return nullptr;
    auto object = kind->second.find({std::string(ns), std::string(name)});
    return object == kind->second.end() ? nullptr : object->second;
  }
  std::vector<ObjectPtr> list(std::string_view group, std::string_view resource,
                              std::string_view ns) const override {
    std::vector<ObjectPtr> result;
    auto kind = objects_.find({std::string(group), std::string(resource)});
    if (kind == objects_.end()) return result;
    for (const auto& [key, object] : kind->second) {
      if (ns.empty() || key.first == ns) result.push_back(object);
    }
    return result;
  }
  void on_change(std::string_view group, std::string_view resource,
                 ChangeHandler handler) override {
    for (const auto& object : list(group, resource, "")) handler(nullptr, object);
    handlers_.insert({{std::string(group), std::string(resource)}, std::move(handler)});
  }

 private:
  using Pair = std::pair<std::string, std::string>;
  static meta_v1::ObjectMeta metadata_of(const Object& object) {
    auto field = static_cast<uint16_t>(object.type().metadata_field);
    return meta_v1::ObjectMeta(object.root().field(field).as_node());
  }
  void change(const Pair& kind, const Pair& key, const ObjectPtr& now) {
    ObjectPtr old = get(kind.first, kind.second, key.first, key.second);
    if (now) {
      objects_[kind][key] = now;
    } else {
      objects_[kind].erase(key);
    }
    if (!old && !now) return;
    auto [first, last] = handlers_.equal_range(kind);
    for (auto handler = first; handler != last; ++handler) handler->second(old, now);
  }

  std::map<Pair, std::map<Pair, ObjectPtr>> objects_;
  std::multimap<Pair, ChangeHandler> handlers_;
};

}  // namespace tiphys::apiserver
