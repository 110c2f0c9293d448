// For tests: a hub over a memory store on virtual time, with short ways to write ConfigMaps.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/cacher/pending_object.h"
#include "async/sim_loop.h"
#include "codec/codec.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"
#include "storage/memory/memory_store.h"

namespace tiphys::apiserver {

class CacherTest : public testing::Test {
 protected:
  CacherTest() : store_(storage::make_memory_store(loop_)), hub_(loop_, *store_) {
    hub_.add(config_maps_);
    hub_.add(pods_);
  }
  ~CacherTest() override {
    stop_hub();
    loop_.run(store_->stop());
  }
  void stop_hub() {
    if (!std::exchange(stopped_, true)) loop_.run(hub_.stop());
  }
  void start() {
    auto started = loop_.run(hub_.start());
    ASSERT_TRUE(started) << started.error().message();
  }
  Cacher& maps() { return *hub_.find("", "configmaps"); }

  static Draft config_map(std::string_view ns, std::string_view name, std::string_view color) {
    Draft draft = core_v1::ConfigMap::make();
    core_v1::ConfigMapEdit edit(draft);
    edit.edit_metadata().set_name(name);
    edit.edit_metadata().set_namespace(ns);
    edit.edit_metadata().edit_labels().set("color", color);
    return draft;
  }
  // Writes as the registry does (attached), or as another process would.
  Revision put(std::string_view ns, std::string_view name, std::string_view color,
               bool attached = true) {
    Draft draft = config_map(ns, name, color);
    auto bytes = std::make_shared<std::string>();
    codec::encode_object(codec::Format::kProtobuf, draft.type(), draft.root(), draft.gvk(), *bytes);
    storage::Txn txn;
    txn.puts.push_back({store_key(config_maps_, ns, name), bytes, 0, nullptr});
    if (attached) txn.puts[0].attachment = std::make_shared<const PendingObject>(std::move(draft));
    return loop_.run(store_->txn(std::move(txn)))->revision;
  }
  Revision put_bytes(std::string key, std::string_view bytes) {
    storage::Txn txn;
    txn.puts.push_back({std::move(key), std::make_shared<const std::string>(bytes), 0, nullptr});
    return loop_.run(store_->txn(std::move(txn)))->revision;
  }
  Revision erase(std::string_view ns, std::string_view name) {
    storage::Txn txn;
    txn.deletes.push_back({store_key(config_maps_, ns, name)});
    return loop_.run(store_->txn(std::move(txn)))->revision;
  }
  static Predicate color_is(std::string color) {
    return
        [color](const Object& object) { return metadata(object).labels().find("color") == color; };
  }
  static std::vector<std::string> names(const ListPage& page) {
    std::vector<std::string> out;
    for (auto& object : page.items) out.push_back(key_of(*object));
    return out;
  }
  ListPage list(ListQuery query) {
    auto page = maps().list(query);
    EXPECT_TRUE(page && *page);
    return page && *page ? **page : ListPage();
  }
  // "ADDED ns/a red@3"
  static std::vector<std::string> drain(CacheWatcher& watcher) {
    std::vector<std::string> out;
    while (auto event = watcher.try_next()) {
      std::string line(watch_event_type(event->type));
      auto meta = metadata(*event->object);
      if (event->type != WatchEvent::Type::kBookmark) {
        line += " " + key_of(*event->object) + " " + std::string(meta.labels().find("color"));
      }
      line += "@" + std::string(meta.resource_version());
      if (meta.annotations().find("k8s.io/initial-events-end") == "true") line += " end";
      out.push_back(line);
    }
    return out;
  }
  std::unique_ptr<CacheWatcher> watch(WatchOptions options) {
    auto watcher = maps().watch(std::move(options));
    EXPECT_TRUE(watcher) << watcher.error().message();
    return watcher ? std::move(*watcher) : nullptr;
  }

  const schema::Resource& config_maps_ = *schema::find_resource("", "v1", "configmaps");
  const schema::Resource& pods_ = *schema::find_resource("", "v1", "pods");
  SimLoop loop_;
  std::unique_ptr<storage::Store> store_;
  CacherHub hub_;
  bool stopped_ = false;
};

}  // namespace tiphys::apiserver
