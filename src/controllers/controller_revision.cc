#include "controllers/controller_revision.h"

#include <algorithm>

#include "codec/codec.h"
#include "kinds/apps_v1.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxNamePrefix = 223;

// FNV-1 (not 1a), as Go's fnv.New32.
uint32_t fnv32(std::string_view bytes) {
  uint32_t hash = 2166136261;
  for (char c : bytes) hash = hash * 16777619 ^ static_cast<unsigned char>(c);
  return hash;
}

int64_t number_of(const ObjectPtr& revision) {
  return apps_v1::ControllerRevision(*revision).revision();
}

}  // namespace

std::string safe_encoded(std::string_view text) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string result;
  for (char c : text) result += kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  return result;
}

std::string revision_data(const core_v1::PodTemplateSpec& pod_template) {
  Arena arena;
  Value any = codec::to_any(core_v1::PodTemplateSpec::message(), pod_template.node(), arena);
  set_entry(arena, *any.node, "$patch", arena.string("replace"));
  std::string data = R"({"spec":{"template":)";
  codec::encode_json_any(any, data);
  return data + "}}";
}

std::string revision_hash(std::string_view data, std::optional<int32_t> collisions) {
  std::string bytes(data);
  if (collisions) bytes += std::to_string(*collisions);
  return safe_encoded(std::to_string(fnv32(bytes)));
}

Result<core_v1::PodTemplateSpec> revision_template(const Object& revision, Arena& arena) {
  TIPHYS_TRY(Value, root,
             codec::decode_json_any(apps_v1::ControllerRevision(revision).data(), arena));
  const Value& found = root.as_node().find("spec").as_node().find("template");
  if (found.type != ValueType::kMap) {
    return ApiStatus::bad_request("revision " + std::string(name_of(revision)) +
                                  " holds no template");
  }
  Value plain = arena.clone(found);
  set_entry(arena, *plain.node, "$patch", Value());
  TIPHYS_TRY(Node*, node,
             codec::from_any(plain, core_v1::PodTemplateSpec::message(), arena, nullptr));
  return core_v1::PodTemplateSpec(*node);
}

ObjectPtr new_revision(const Object& owner, const core_v1::PodTemplateSpec& pod_template,
                       std::string_view data, std::string_view hash, int64_t number,
                       std::string_view hash_label) {
  Draft draft = apps_v1::ControllerRevision::make();
  apps_v1::ControllerRevisionEdit revision(draft);
  meta_v1::ObjectMetaEdit meta = revision.edit_metadata();
  std::string prefix(name_of(owner).substr(0, kMaxNamePrefix));
  meta.set_name(prefix + "-" + std::string(hash));
  meta.set_namespace(namespace_of(owner));
  meta.set_labels(pod_template.metadata().labels());
  meta.edit_labels().set(hash_label, hash);
  meta.set_annotations(metadata(owner).annotations());
  set_controller(draft, owner);
  revision.set_data(data);
  revision.set_revision(number);
  return draft.freeze();
}

ObjectPtr renumbered(const Object& revision, int64_t number) {
  Draft draft(revision);
  apps_v1::ControllerRevisionEdit(draft).set_revision(number);
  return draft.freeze();
}

void sort_revisions(std::vector<ObjectPtr>& revisions) {
  std::ranges::sort(revisions, [](const ObjectPtr& a, const ObjectPtr& b) {
    auto key = [](const ObjectPtr& one) {
      meta_v1::ObjectMeta meta = metadata(*one);
      return std::tuple(number_of(one), meta.creation_timestamp(), meta.name());
    };
    return key(a) < key(b);
  });
}

ObjectPtr find_revision(const std::vector<ObjectPtr>& sorted, std::string_view data) {
  for (auto at = sorted.rbegin(); at != sorted.rend(); ++at) {
    if (apps_v1::ControllerRevision(**at).data() == data) return *at;
  }
  return nullptr;
}

int64_t next_revision(const std::vector<ObjectPtr>& sorted) {
  if (sorted.empty()) return 1;
  int64_t highest = number_of(sorted.back());
  return highest == INT64_MAX ? highest : highest + 1;
}

std::vector<ObjectPtr> surplus_revisions(const std::vector<ObjectPtr>& sorted,
                                         const std::vector<std::string>& live, int32_t limit) {
  std::vector<ObjectPtr> old;
  for (const ObjectPtr& revision : sorted) {
    if (std::ranges::find(live, name_of(*revision)) == live.end()) old.push_back(revision);
  }
  size_t kept = std::min(old.size(), static_cast<size_t>(std::max(limit, 0)));
  old.resize(old.size() - kept);
  return old;
}

}  // namespace tiphys::controllers
