#include "client/discovery.h"

#include <gtest/gtest.h>

namespace tiphys::client {
namespace {

std::string shown(const Discovered& found) {
  std::string text;
  for (size_t at : found.preferred) {
    const DiscoveredResource& one = found.resources[at];
    text += one.group + "/" + one.version + "/" + one.resource + (one.namespaced ? " " : "! ");
  }
  return text;
}

TEST(Discovery, aggregated_documents) {
  Discovered found;
  auto read = read_aggregated(R"({"kind":"APIGroupDiscoveryList","items":[
    {"metadata":{"name":"example.com"},"versions":[
      {"version":"v2","freshness":"Stale","resources":[]},
      {"version":"v1","freshness":"Current","resources":[
        {"resource":"widgets","responseKind":{"kind":"Widget"},"scope":"Namespaced",
         "verbs":["get","list"],"subresources":[{"subresource":"scale"}]},
        {"resource":"no-kind","scope":"Namespaced"}]},
      {"version":"v1beta1","freshness":"Current","resources":[
        {"resource":"widgets","responseKind":{"kind":"Widget"},"scope":"Namespaced"},
        {"resource":"boxes","responseKind":{"kind":"Box"},"scope":"Cluster"}]}]}]})",
                              found);
  ASSERT_TRUE(read);
  EXPECT_EQ(shown(found), "example.com/v1/widgets example.com/v1beta1/boxes! ");
  EXPECT_TRUE(found.resources[0].has_verb("list"));
  EXPECT_FALSE(found.resources[0].has_verb("delete"));
  EXPECT_TRUE(found.resources[0].has_subresource("scale"));
  EXPECT_EQ(found.resources.size(), 3u);
  EXPECT_EQ(found.failure(),
            "unable to retrieve the complete list of server APIs: example.com/v2: stale "
            "GroupVersion discovery: example.com/v2");
}

TEST(Discovery, documents_of_one_group_version_each) {
  Discovered found;
  std::vector<GroupVersionToAsk> ask;
  ASSERT_TRUE(read_groups(R"({"kind":"APIVersions","versions":["v1"]})", ask, found));
  ASSERT_TRUE(read_groups(R"({"kind":"APIGroupList","groups":[{"name":"example.com",
    "versions":[{"groupVersion":"example.com/v1beta1","version":"v1beta1"},
                {"groupVersion":"example.com/v1","version":"v1"},
                {"groupVersion":"a/b/c","version":"c"}],
    "preferredVersion":{"groupVersion":"example.com/v1","version":"v1"}}]})",
                          ask, found));
  ASSERT_EQ(ask.size(), 3u);
  EXPECT_TRUE(ask[0].group.empty() && ask[0].preferred);
  EXPECT_EQ(found.malformed, std::vector<std::string>{"unexpected GroupVersion string: a/b/c"});
  std::string list = R"({"kind":"APIResourceList","resources":[
    {"name":"widgets","kind":"Widget","namespaced":true,"verbs":["list"]},
    {"name":"widgets/scale","kind":"Scale","namespaced":true}]})";
  ASSERT_TRUE(read_resources(list, ask[1], found));
  ASSERT_TRUE(read_resources(list, ask[2], found));
  EXPECT_EQ(shown(found), "example.com/v1/widgets ");
  EXPECT_TRUE(found.resources[1].has_subresource("scale"));
}

TEST(Discovery, what_is_no_document_is_refused) {
  Discovered found;
  std::vector<GroupVersionToAsk> ask;
  for (const char* text : {"", "[]", "{}", "{\"kind\":\"Pod\"}", "{\"kind\":7}"}) {
    EXPECT_FALSE(read_aggregated(text, found)) << text;
    EXPECT_FALSE(read_groups(text, ask, found)) << text;
    EXPECT_FALSE(read_resources(text, {}, found)) << text;
  }
  EXPECT_TRUE(
      read_aggregated(R"({"kind":"APIGroupDiscoveryList","items":[7,{"versions":[{}]}]})", found));
  EXPECT_TRUE(found.resources.empty());
}

}  // namespace
}  // namespace tiphys::client
