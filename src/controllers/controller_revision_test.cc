#include "controllers/controller_revision.h"

#include <gtest/gtest.h>

#include "codec/codec.h"
#include "kinds/apps_v1.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {
namespace {

Draft template_of(std::string_view image) {
  Draft draft = core_v1::PodTemplate::make();
  core_v1::PodTemplateEdit edit(draft);
  edit.edit_template().edit_metadata().edit_labels().set("app", "web");
  auto container = edit.edit_template().edit_spec().edit_containers().append();
  container.set_name("c");
  container.set_image(image);
  return draft;
}

ObjectPtr revision(std::string_view name, std::string_view data, int64_t number) {
  Draft draft = apps_v1::ControllerRevision::make();
  edit_metadata(draft).set_name(name);
  apps_v1::ControllerRevisionEdit(draft).set_data(data);
  apps_v1::ControllerRevisionEdit(draft).set_revision(number);
  return draft.freeze();
}

// The patch is what upstream writes: members sorted, so that both take over each other's revisions.
TEST(ControllerRevision, data_is_a_patch_that_puts_the_template_back) {
  Draft draft = template_of("nginx:1");
  std::string data = revision_data(core_v1::PodTemplate(draft).template_());
  EXPECT_EQ(data, R"({"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},)"
                  R"("spec":{"containers":[{"image":"nginx:1","name":"c","resources":{}}]}}}})");
  Arena arena;
  auto back = revision_template(*revision("a", data, 1), arena);
  ASSERT_TRUE(back);
  EXPECT_TRUE(equal(*back, core_v1::PodTemplate(draft).template_()));
  EXPECT_FALSE(revision_template(*revision("a", R"({"spec":{}})", 1), arena));
  EXPECT_FALSE(revision_template(*revision("a", "", 1), arena));
}

TEST(ControllerRevision, hash_is_upstreams_and_follows_collisions) {
  EXPECT_EQ(safe_encoded("0123456789"), "456789bcdf");
  EXPECT_NE(revision_hash("x", std::nullopt), revision_hash("x", 0));
  EXPECT_NE(revision_hash("x", 1), revision_hash("x", 0));
}

TEST(ControllerRevision, the_newest_equal_one_is_found_and_old_ones_go) {
  std::vector<ObjectPtr> all = {revision("c", "z", 3), revision("a", "x", 1), revision("b", "y", 2),
                                revision("d", "x", 4)};
  sort_revisions(all);
  EXPECT_EQ(next_revision(all), 5);
  EXPECT_EQ(name_of(*find_revision(all, "x")), "d");
  EXPECT_EQ(find_revision(all, "w"), nullptr);
  std::vector<ObjectPtr> surplus = surplus_revisions(all, {"a"}, 1);
  ASSERT_EQ(surplus.size(), 2);
  EXPECT_EQ(name_of(*surplus[0]), "b");
  EXPECT_EQ(name_of(*surplus[1]), "c");
  EXPECT_TRUE(surplus_revisions(all, {"a"}, 5).empty());
  EXPECT_EQ(next_revision({}), 1);
  EXPECT_EQ(next_revision({revision("e", "x", INT64_MAX)}), INT64_MAX);
}

}  // namespace
}  // namespace tiphys::controllers
