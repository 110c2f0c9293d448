#include "cel/schema_types.h"

#include <gtest/gtest.h>

#include "cel/compile.h"

namespace tiphys::cel {
namespace {

TEST(SchemaTypes, VariablesOfKinds) {
  Environment environment(&kubernetes_environment());
  const schema::Kind* kind = schema::find_kind("apps", "v1", "Deployment");
  ASSERT_TRUE(kind);
  environment.add_variable("object", add_message_type(environment, *kind->message));
  auto checked = [&](std::string_view text) {
    Compiled compiled = compile(text, environment);
    if (compiled.program) return type_text(compiled.program->result());
    return compiled.issues.substr(0, compiled.issues.find('\n'));
  };
  EXPECT_EQ(checked("object.kind"), "string");
  EXPECT_EQ(checked("object.spec.replicas"), "int");
  EXPECT_EQ(checked("object.metadata.labels"), "map(string, string)");
  EXPECT_EQ(checked("object.metadata.namespace"), "string");
  EXPECT_EQ(checked("object.metadata.__namespace__"), "string");
  EXPECT_EQ(checked("object.metadata.creationTimestamp.getFullYear()"), "int");
  EXPECT_EQ(checked("object.spec.template.spec.containers.map(c, c.image)"), "list(string)");
  EXPECT_EQ(checked("object.spec.strategy.rollingUpdate.maxSurge"), "dyn");
  EXPECT_EQ(checked("object.spec.template.spec.volumes[0].configMap.name"), "string");
  EXPECT_EQ(checked("object.spec.replica"), "ERROR: <input>:1:12: undefined field 'replica'");
}

// Messages that hold themselves end.
TEST(SchemaTypes, AllKinds) {
  Environment environment(&kubernetes_environment());
  for (const schema::Kind& kind : schema::all_kinds()) add_message_type(environment, *kind.message);
  EXPECT_TRUE(environment.find_object("k8s.io.api.core.v1.PodSpec"));
}

}  // namespace
}  // namespace tiphys::cel
