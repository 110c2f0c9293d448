#include <gtest/gtest.h>

#include "cel/compile.h"

namespace tiphys::cel {
namespace {

// kubernetes_environment() with some variables.
const Environment& environment() {
  static const std::unique_ptr<const Environment> made = [] {
    auto env = std::make_unique<Environment>(&kubernetes_environment());
    TypeTable& types = env->types();
    const Type* text = types.simple(TypeKind::kString);
    env->add_variable("object", types.simple(TypeKind::kDyn));
    env->add_variable("is", text);
    env->add_variable("ii", types.simple(TypeKind::kInt));
    env->add_variable("iz", types.simple(TypeKind::kBool));
    env->add_variable("list", types.list(types.simple(TypeKind::kInt)));
    env->add_variable("labels", types.map(text, text));
    env->add_variable("o",
                      env->add_object("test.Object", {{"name", text}, {"tags", types.list(text)}}));
    env->add_variable("authorizer", types.object("kubernetes.authorization.Authorizer"));
    env->add_variable("authorizer.requestResource",
                      types.object("kubernetes.authorization.ResourceCheck"));
    return env;
  }();
  return *made;
}

// The type of the expression, or its errors without the lines that show it.
std::string checked(std::string_view text) {
  Compiled compiled = compile(text, environment());
  if (compiled.program) return type_text(compiled.program->result());
  std::string out;
  std::string_view rest = compiled.issues;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    if (line.starts_with("ERROR: <input>:")) {
      out += (out.empty() ? "" : "\n") + std::string(line.substr(15));
    }
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return out;
}

struct Case {
  std::string_view text;
  std::string_view expected;
};

class CheckerTest : public testing::TestWithParam<Case> {};

TEST_P(CheckerTest, Checks) {
  EXPECT_EQ(checked(GetParam().text), GetParam().expected) << GetParam().text;
}

constexpr Case kTypes[] = {
    {"1", "int"},
    {"null", "null"},
    {"[1, 2]", "list(int)"},
    {"[]", "list(dyn)"},
    {"{}", "map(dyn, dyn)"},
    {"{'a': 1u}", "map(string, uint)"},
    {"[[], [1]]", "list(list(int))"},
    {"[1, null]", "1:5: expected type 'int' but found 'null'"},
    {"1 + 2 * 3", "int"},
    {"1 + 'a'", "1:3: found no matching overload for '_+_' applied to '(int, string)'"},
    {"object.a.b + 1", "int"},
    {"object.spec.replicas <= 5", "bool"},
    {"object.?spec.?replicas.orValue(1)", "dyn"},
    {"object[?'a']", "dyn"},
    {"labels.?a", "optional_type(string)"},
    {"labels[?'a'].orValue('b')", "string"},
    {"labels.a", "string"},
    {"o.name", "string"},
    {"o.nam", "1:2: undefined field 'nam'"},
    {"has(o.name)", "bool"},
    {"has(o.nam)", "1:4: undefined field 'nam'"},
    {"test.Object{name: 'a'}", "test.Object"},
    {"test.Object{name: 1}",
     "1:17: expected type of field 'name' is 'string' but provided type is 'int'"},
    {"test.Object{x: 1}", "1:14: undefined field 'x'"},
    {"Nothing{}", "1:8: undeclared reference to 'Nothing' (in container '')"},
    {"int{}", "1:4: 'int' is not a message type"},
    {"is{}", "1:3: 'string' is not a type"},
    {"x", "1:1: undeclared reference to 'x' (in container '')"},
    {"f(1)", "1:2: undeclared reference to 'f' (in container '')"},
    {"is.f()", "1:5: undeclared reference to 'f' (in container '')"},
    {"1 ? 2 : 3", "1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'"},
    {"iz ? 1 : 'a'",
     "1:4: found no matching overload for '_?_:_' applied to '(bool, int, string)'"},
    {"iz && 1", "1:7: expected type 'bool' but found 'int'"},
    {"!1", "1:1: found no matching overload for '!_' applied to '(int)'"},
    {"ii.foo", "1:3: type 'int' does not support field selection"},
    {"list.all(x, x > 0)", "bool"},
    {"list.all(x, x)", "1:13: expected type 'bool' but found 'int'"},
    {"list.map(x, string(x))", "list(string)"},
    {"list.filter(x, x > 1)", "list(int)"},
    {"list.exists_one(i, v, i == v)", "bool"},
    {"labels.transformMap(k, v, size(v))", "map(string, int)"},
    {"labels.transformList(k, v, k + v)", "list(string)"},
    {"1.all(x, true)",
     "1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or "
     "dynamic)"},
    {"list.sortBy(x, -x)", "list(int)"},
    {"object.x.optMap(y, y)", "optional_type(dyn)"},
    {"optional.of(1).optMap(y, y + 1)", "optional_type(int)"},
    {"optional.none()", "optional_type(dyn)"},
    {"[?optional.of(1), 2]", "list(int)"},
    {"[?1]", "1:3: expected type 'optional_type(int)' but found 'int'"},
    {"type(1)", "type(int)"},
    {"type(1) == int", "bool"},
    {"timestamp('2020-01-01T00:00:00Z') - duration('1h')", "timestamp"},
    {"1 < 2.0", "bool"},
    {"is.matches('^a+$')", "bool"},
    {"is.find('[0-9]+')", "string"},
    {"quantity('1Gi').isLessThan(quantity('2Gi'))", "bool"},
    {"url('https://a').getHost()", "string"},
    {"url('https://a').host", "1:17: unexpected failed resolution of 'kubernetes.URL'"},
    {"ip('::1').family()", "int"},
    {"ip.isCanonical('::1')", "bool"},
    {"cidr('10.0.0.0/8').containsIP('10.0.0.1')", "bool"},
    {"semver('v1.0', true).major()", "int"},
    {"format.dns1123Label().validate('a').hasValue()", "bool"},
    {"sets.contains([1], [2])", "bool"},
    {"'%s'.format([1])", "string"},
    {"authorizer.group('').resource('pods').namespace('a').check('get').allowed()", "bool"},
    {"authorizer.requestResource.check('get').reason()", "string"},
    {"[1, 2, 3].slice(0, 1).reverse().distinct().max()", "int"},
    {"lists.range(3)", "list(int)"},
    {".ii + 1", "int"},
};
INSTANTIATE_TEST_SUITE_P(Types, CheckerTest, testing::ValuesIn(kTypes));

constexpr Case kLiterals[] = {
    {"duration('1x')", "1:10: invalid duration argument"},
    {"timestamp('yesterday')", "1:11: invalid timestamp argument"},
    {"timestamp(253402300800)", "1:11: invalid timestamp argument"},
    {"is.matches('[')", "1:12: invalid matches argument"},
    {"[1, dyn('a')]", "1:8: expected type 'int' but found 'dyn'"},
    {"{'a': 1, 'b': dyn(1)}", "1:18: expected type 'int' but found 'dyn'"},
    {"'%s %s'.format([dyn(1), 'a'])", "string"},
    {"'%d'.format(['a'])",
     "1:14: error during formatting: decimal clause can only be used on integers, was given "
     "string"},
    {"'%d %d'.format([1])", "1:15: index 1 out of range"},
    {"'%d'.format([1, 2])",
     "1:12: too many arguments supplied to string.format (expected 1, got 2)"},
    {"'%q'.format([1])",
     "1:12: could not parse formatting clause: unrecognized formatting clause \"q\""},
    {"'%.2f %%'.format([1.0])", "string"},
};
INSTANTIATE_TEST_SUITE_P(Literals, CheckerTest, testing::ValuesIn(kLiterals));

TEST(Checker, ErrorsShowTheirPlace) {
  EXPECT_EQ(compile("ii +\n  'a'", environment()).issues,
            "ERROR: <input>:1:4: found no matching overload for '_+_' applied to '(int, string)'\n"
            " | ii +\n"
            " | ...^");
  EXPECT_EQ(compile("a && b", environment()).issues,
            "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n"
            " | a && b\n"
            " | ^\n"
            "ERROR: <input>:1:6: undeclared reference to 'b' (in container '')\n"
            " | a && b\n"
            " | .....^");
}

TEST(Checker, CallsKnowTheirOverloads) {
  Compiled compiled = compile("object + 1", environment());
  ASSERT_TRUE(compiled.program);
  EXPECT_EQ(compiled.program->ast.root()->overloads, (std::vector<std::string_view>{"add_int64"}));
  compiled = compile("size(object)", environment());
  ASSERT_TRUE(compiled.program);
  EXPECT_EQ(compiled.program->ast.root()->overloads.size(), 4U);
}

// Each step doubles the type; what it costs is told instead of paid.
TEST(Checker, TypesThatGrowWithoutEnd) {
  std::string text = "[[]]";
  for (int i = 0; i < 100; ++i) text += ".map(x, {x: x})";
  EXPECT_EQ(compile(text + " + 1", environment()).issues.substr(0, 52),
            "ERROR: <input>:-1:0: type check is too complex: more");
  // A long expression of plain types stays within the limit.
  text = "[1]";
  for (int i = 0; i < 100; ++i) text += ".map(x, x + 1).filter(x, x < 9)";
  EXPECT_EQ(compile(text, environment()).issues, "");
  text = "ii < 1";
  for (int i = 0; i < 1500; ++i) text += " || labels['a'] == string(ii) && object.a < 2 * ii";
  EXPECT_EQ(compile(text, environment()).issues, "");
}

}  // namespace
}  // namespace tiphys::cel
