#include "main/bootstrap_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinds/core_v1.h"

namespace tiphys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BootstrapTokenTest, only_the_documented_form_is_a_token) {
  EXPECT_EQ(BootstrapToken::parse("abcdef.0123456789abcdef")->text(), "abcdef.0123456789abcdef");
  for (const char* wrong : {"", "abcdef", "abcdef.", ".0123456789abcdef", "ABCDEF.0123456789abcdef",
                            "abcdef.0123456789abcde", "abcdef.0123456789abcdef0",
                            "abcdef.0123456789abcdef\n", "abcde.0123456789abcdefg"}) {
    Result<BootstrapToken> token = BootstrapToken::parse(wrong);
    ASSERT_FALSE(token) << wrong;
    EXPECT_THAT(token.error().message(),
                HasSubstr("was not of the form \"\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z\""));
  }
}

TEST(BootstrapTokenTest, a_secret_holds_what_the_token_says) {
  SeededRandom random(1);
  BootstrapToken token = BootstrapToken::generate(random);
  ASSERT_TRUE(BootstrapToken::parse(token.text())) << token.text();
  token.description = "for one node";
  token.expires = 1'700'000'000 * kMicrosPerSecond;
  ObjectPtr secret = token.to_secret();
  core_v1::Secret view(*secret);
  EXPECT_EQ(view.metadata().name(), "bootstrap-token-" + token.id);
  EXPECT_EQ(view.type(), "bootstrap.kubernetes.io/token");
  EXPECT_EQ(view.data().find("usage-bootstrap-signing"), "true");
  EXPECT_EQ(view.data().find("usage-bootstrap-authentication"), "true");
  EXPECT_EQ(view.data().find("expiration"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(view.data().find("auth-extra-groups"),
            "system:bootstrappers:kubeadm:default-node-token");
  Result<BootstrapToken> back = BootstrapToken::from_secret(*secret);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), token.text());
  EXPECT_EQ(back->expires, token.expires);
  EXPECT_THAT(back->usages, ElementsAre("authentication", "signing"));
  EXPECT_EQ(back->description, "for one node");
}

TEST(BootstrapTokenTest, a_secret_of_another_name_is_no_token) {
  Draft draft(*BootstrapToken::parse("abcdef.0123456789abcdef")->to_secret());
  core_v1::SecretEdit(draft).edit_metadata().set_name("bootstrap-token-other0");
  Result<BootstrapToken> read = BootstrapToken::from_secret(*draft.freeze());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(),
            "bootstrap token name is not of the form 'bootstrap-token-(token-id)'. Actual: "
            "\"bootstrap-token-other0\". Expected: \"bootstrap-token-abcdef\"");
}

TEST(BootstrapTokenTest, usages_and_groups_are_checked) {
  BootstrapToken token;
  EXPECT_TRUE(token.check());
  token.groups = {"system:bootstrappers:worker"};
  EXPECT_TRUE(token.check());
  for (const char* wrong : {"system:masters", "system:bootstrappers:", "system:bootstrappers:A",
                            "system:bootstrappers:a:"}) {
    token.groups = {wrong};
    EXPECT_FALSE(token.check()) << wrong;
  }
  token.groups.clear();
  token.usages = {"signing", "flying"};
  EXPECT_EQ(token.check().error().message(),
            "invalid bootstrap token usage string: flying, valid usages: signing, authentication");
}

TEST(BootstrapTokenTest, the_table_is_kubeadms) {
  EXPECT_EQ(bootstrap_token_table({}, 0), "");
  BootstrapToken never = *BootstrapToken::parse("abcdef.0123456789abcdef");
  BootstrapToken soon = *BootstrapToken::parse("fedcba.0123456789abcdef");
  soon.expires = 90 * 60 * kMicrosPerSecond;
  soon.description = "soon over";
  std::string table = bootstrap_token_table({never, soon}, 0);
  EXPECT_THAT(table, HasSubstr("TOKEN                     TTL         EXPIRES"));
  EXPECT_THAT(table, HasSubstr("abcdef.0123456789abcdef   <forever>   <never>"));
  EXPECT_THAT(table, HasSubstr("fedcba.0123456789abcdef   1h          1970-01-01T01:30:00Z   "));
}

}  // namespace
}  // namespace tiphys
