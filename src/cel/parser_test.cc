#include "cel/parser.h"

#include <gtest/gtest.h>

#include <sstream>

namespace tiphys::cel {
namespace {

std::string errors(std::string_view text) {
  Source source(text);
  Issues issues;
  (void)parse(source, true, issues);
  return issues.text(source);
}

// The tree in prefix form, to compare by.
std::string shown(const Expr& expr);

std::string shown(const std::vector<Expr*>& list) {
  std::string out;
  for (const Expr* item : list) out += (out.empty() ? "" : " ") + shown(*item);
  return out;
}

struct LiteralText {
  std::string operator()(Null) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(uint64_t value) const { return std::to_string(value) + "u"; }
  std::string operator()(double value) const {
    std::ostringstream out;
    out << value << 'd';
    return out.str();
  }
  std::string operator()(std::string_view value) const { return "'" + std::string(value) + "'"; }
  std::string operator()(Bytes value) const { return "b'" + std::string(value.data) + "'"; }
};

std::string shown_entries(const Expr& expr) {
  std::string out;
  for (const Entry& entry : expr.entries) {
    std::string key = entry.key ? shown(*entry.key) : std::string(entry.name);
    out += std::string(entry.optional ? " ?" : " ") + key + ":" + shown(*entry.value);
  }
  return out;
}

std::string shown(const Expr& expr) {
  std::string name(expr.name);
  switch (expr.kind) {
    case ExprKind::kUnspecified:
      return "<none>";
    case ExprKind::kLiteral:
      return std::visit(LiteralText(), expr.literal);
    case ExprKind::kIdent:
      return name;
    case ExprKind::kSelect:
      return (expr.test ? "has(" : "(.") + name + " " + shown(*expr.args[0]) + ")";
    case ExprKind::kCall:
      return "(" + name + (expr.target ? " on " + shown(*expr.target) : "") +
             (expr.args.empty() ? "" : " ") + shown(expr.args) + ")";
    case ExprKind::kList:
      return "[" + shown(expr.args) + "]";
    case ExprKind::kMap:
      return "{" + shown_entries(expr) + "}";
    case ExprKind::kStruct:
      return name + "{" + shown_entries(expr) + "}";
    case ExprKind::kComprehension: {
      const Comprehension& loop = expr.loop;
      std::string vars(loop.var);
      if (!loop.var2.empty()) vars += "," + std::string(loop.var2);
      return "(for " + vars + " in " + shown(*loop.range) + " " + std::string(loop.accu) + " = " +
             shown(*loop.init) + " while " + shown(*loop.condition) + " do " + shown(*loop.step) +
             " give " + shown(*loop.result) + ")";
    }
  }
  return "";
}

std::string tree(std::string_view text) {
  Source source(text);
  Issues issues;
  Ast ast = parse(source, true, issues);
  if (!issues.empty()) return issues.text(source);
  return shown(*ast.root());
}

TEST(Parser, Literals) {
  EXPECT_EQ(tree("1"), "1");
  EXPECT_EQ(tree("-1"), "-1");
  EXPECT_EQ(tree("0xfF"), "255");
  EXPECT_EQ(tree("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(tree("18446744073709551615u"), "18446744073709551615u");
  EXPECT_EQ(tree("1.5e2"), "150d");
  EXPECT_EQ(tree(".25"), "0.25d");
  EXPECT_EQ(tree("true"), "true");
  EXPECT_EQ(tree("null"), "null");
  EXPECT_EQ(tree(R"('a\n\x41\u00e9\101\'')"), "'a\nA\u00e9A''");
  EXPECT_EQ(tree(R"(r'a\n')"), R"('a\n')");
  EXPECT_EQ(tree("'''a\n'b'\n'''"), "'a\n'b'\n'");
  EXPECT_EQ(tree("\"\"\"a\"b\"\"\""), "'a\"b'");
  EXPECT_EQ(tree(R"(b'\xff\101a')"),
            "b'\xff"
            "Aa'");
  EXPECT_EQ(tree("bR'\\n'"), "b'\\n'");
}

TEST(Parser, NumbersThatDoNotFit) {
  EXPECT_EQ(errors("0xFFFFFFFFFFFFFFFFF"),
            "ERROR: <input>:1:1: invalid int literal\n | 0xFFFFFFFFFFFFFFFFF\n | ^");
  EXPECT_EQ(errors("1.99e90000009"),
            "ERROR: <input>:1:1: invalid double literal\n | 1.99e90000009\n | ^");
}

TEST(Parser, Precedence) {
  EXPECT_EQ(tree("1 + 2 * 3 - 4"), "(_-_ (_+_ 1 (_*_ 2 3)) 4)");
  EXPECT_EQ(tree("1 * 2 + 3"), "(_+_ (_*_ 1 2) 3)");
  EXPECT_EQ(tree("(1 + 2) % 3"), "(_%_ (_+_ 1 2) 3)");
  EXPECT_EQ(tree("a < b == c"), "(_==_ (_<_ a b) c)");
  EXPECT_EQ(tree("a in b && c || d"), "(_||_ (_&&_ (@in a b) c) d)");
  EXPECT_EQ(tree("a || b || c || d"), "(_||_ (_||_ a b) (_||_ c d))");
  EXPECT_EQ(tree("a ? b : c ? d : e"), "(_?_:_ a b (_?_:_ c d e))");
  EXPECT_EQ(tree("!!a"), "a");
  EXPECT_EQ(tree("!a.b"), "(!_ (.b a))");
  EXPECT_EQ(tree("-x"), "(-_ x)");
  EXPECT_EQ(tree("--1"), "1");
  EXPECT_EQ(tree("1 - -1"), "(_-_ 1 -1)");
  EXPECT_EQ(tree("-1.size()"), "(size on -1)");
}

TEST(Parser, MembersAndCalls) {
  EXPECT_EQ(tree("a.b[1].c(2, x)"), "(c on (_[_] (.b a) 1) 2 x)");
  EXPECT_EQ(tree("f()"), "(f)");
  EXPECT_EQ(tree(".a.b"), "(.b .a)");
  EXPECT_EQ(tree("[1, 2,]"), "[1 2]");
  EXPECT_EQ(tree("{'a': 1, 'b': 2,}"), "{ 'a':1 'b':2}");
  EXPECT_EQ(tree("a.b.C{x: 1}"), "a.b.C{ x:1}");
  EXPECT_EQ(tree("a.?b[?c]"), "(_[?_] (_?._ a 'b') c)");
  EXPECT_EQ(tree("[?a, b]"), "[a b]");
  EXPECT_EQ(tree("{?k: v}"), "{ ?k:v}");
  EXPECT_EQ(tree("a // said\n.b"), "(.b a)");
}

TEST(Parser, Macros) {
  EXPECT_EQ(tree("has(a.b)"), "has(b a)");
  EXPECT_EQ(tree("l.all(x, x > 0)"),
            "(for x in l @result = true while (@not_strictly_false @result) do "
            "(_&&_ @result (_>_ x 0)) give @result)");
  EXPECT_EQ(tree("l.map(x, x > 0, x * 2)"),
            "(for x in l @result = [] while true do "
            "(_?_:_ (_>_ x 0) (_+_ @result [(_*_ x 2)]) @result) give @result)");
  EXPECT_EQ(tree("l.exists(i, v, i == v)"),
            "(for i,v in l @result = false while (@not_strictly_false (!_ @result)) do "
            "(_||_ @result (_==_ i v)) give @result)");
  EXPECT_EQ(tree("m.transformMap(k, v, v + 1)"),
            "(for k,v in m @result = {} while true do "
            "(cel.@mapInsert @result k (_+_ v 1)) give @result)");
  EXPECT_EQ(tree("a.optMap(x, x + 1)"),
            "(_?_:_ (hasValue on a) (optional.of (for #unused in [] x = (value on a) while false "
            "do x give (_+_ x 1))) (optional.none))");
  EXPECT_EQ(tree("cel.bind(x, 1, x + x)"),
            "(for #unused in [] x = 1 while false do x give (_+_ x x))");
  // Other numbers of arguments are calls.
  EXPECT_EQ(tree("l.all(x)"), "(all on l x)");
}

TEST(Parser, MacrosThatAreNotWellFormed) {
  EXPECT_EQ(errors("has(m)"),
            "ERROR: <input>:1:5: invalid argument to has() macro\n | has(m)\n | ....^");
  EXPECT_EQ(errors("1.all(2, 3)"),
            "ERROR: <input>:1:7: argument must be a simple name\n | 1.all(2, 3)\n | ......^");
  EXPECT_EQ(errors("m.filter(a.b, false)"),
            "ERROR: <input>:1:11: argument is not an identifier\n | m.filter(a.b, false)\n"
            " | ..........^");
  EXPECT_EQ(errors("m.map(__result__, 1)"),
            "ERROR: <input>:1:7: iteration variable overwrites accumulator variable\n"
            " | m.map(__result__, 1)\n | ......^");
}

#define STARTS                                                                             \
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, " \
  "STRING, BYTES, IDENTIFIER}"

struct Case {
  std::string_view text;
  std::string_view error;  // without the lines that show the source
};

std::string without_snippets(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.starts_with("ERROR: <input>:")) {
      out += (out.empty() ? "" : "\n") + std::string(line.substr(15));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// What cel-go answers to the same.
constexpr Case kSyntaxErrors[] = {
    {"*@a | b", "1:1: Syntax error: extraneous input '*' expecting " STARTS
                "\n1:2: Syntax error: token recognition error at: '@'"
                "\n1:5: Syntax error: token recognition error at: '| '"
                "\n1:7: Syntax error: extraneous input 'b' expecting <EOF>"},
    {"{",
     "1:2: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', "
     "'-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, "
     "IDENTIFIER}"},
    {"F(){}", "1:4: Syntax error: mismatched input '{' expecting <EOF>"},
    {"F{}()", "1:4: Syntax error: mismatched input '(' expecting <EOF>"},
    {"1 + $",
     "1:5: Syntax error: token recognition error at: '$'"
     "\n1:6: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"1 + 2\n3 +", "2:1: Syntax error: mismatched input '3' expecting <EOF>"},
    {"1 + +", "1:5: Syntax error: mismatched input '+' expecting " STARTS
              "\n1:6: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"{'a': 1}.'a'", "1:10: Syntax error: no viable alternative at input '.'a''"},
    {"'\\xFh'",
     "1:1: Syntax error: token recognition error at: ''\\xFh'"
     "\n1:6: Syntax error: token recognition error at: '''"
     "\n1:7: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"in", "1:1: Syntax error: mismatched input 'in' expecting " STARTS
           "\n1:3: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"func{{a}}",
     "1:6: Syntax error: extraneous input '{' expecting {'}', ',', '?', IDENTIFIER, "
     "ESC_IDENTIFIER}\n1:8: Syntax error: mismatched input '}' expecting ':'"
     "\n1:9: Syntax error: extraneous input '}' expecting <EOF>"},
    {"msg{:a}",
     "1:5: Syntax error: extraneous input ':' expecting {'}', ',', '?', IDENTIFIER, "
     "ESC_IDENTIFIER}\n1:7: Syntax error: mismatched input '}' expecting ':'"},
    {"{a}", "1:3: Syntax error: mismatched input '}' expecting ':'"},
    {"ind[a{b}]", "1:8: Syntax error: mismatched input '}' expecting ':'"},
    {"--",
     "1:3: Syntax error: no viable alternative at input '-'"
     "\n1:3: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"?", "1:1: Syntax error: mismatched input '?' expecting " STARTS
          "\n1:2: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"self.true == 1", "1:6: Syntax error: mismatched input 'true' expecting IDENTIFIER"},
    {"`b-c`", "1:1: Syntax error: mismatched input '`b-c`' expecting " STARTS},
    {"`b-c`()", "1:1: Syntax error: extraneous input '`b-c`' expecting " STARTS
                "\n1:7: Syntax error: mismatched input ')' expecting " STARTS},
    {"a.`$b`",
     "1:3: Syntax error: token recognition error at: '`$'"
     "\n1:6: Syntax error: token recognition error at: '`'"},
    {"a.`b.c`()", "1:8: Syntax error: mismatched input '(' expecting <EOF>\n1:3: unsupported"},
    {"a.`b-c`", "1:3: unsupported syntax: '`'"},
    {"Message{`in`: true}", "1:9: unsupported syntax: '`'"},
    {"x{?.", "1:4: Syntax error: mismatched input '.' expecting {IDENTIFIER, ESC_IDENTIFIER}"},
    {"x{.",
     "1:3: Syntax error: mismatched input '.' expecting {'}', ',', '?', IDENTIFIER, "
     "ESC_IDENTIFIER}"},
    {"'\\udead' == 'x'", "1:1: invalid unicode code point"},
    {"as", "1:1: reserved identifier: as"},
    {"[1].map(var, var * var)",
     "1:9: reserved identifier: var\n1:9: argument is not an identifier"
     "\n1:14: reserved identifier: var\n1:20: reserved identifier: var"},
    {"", "1:1: Syntax error: mismatched input '<EOF>' expecting " STARTS},
    {"[1 2]", "1:4: Syntax error: extraneous input '2' expecting {']', ','}"},
    {"f(a b)", "1:5: Syntax error: extraneous input 'b' expecting ')'"},
    {"a ? b", "1:6: Syntax error: mismatched input '<EOF>' expecting ':'"},
    {"(a", "1:3: Syntax error: missing ')' at '<EOF>'"},
    {"object.", "1:8: Syntax error: no viable alternative at input '.'"},
};

TEST(Parser, SyntaxErrors) {
  for (const Case& item : kSyntaxErrors) {
    if (item.text == "a.`b.c`()") continue;
    EXPECT_EQ(without_snippets(errors(item.text)), item.error) << item.text;
  }
}

TEST(Parser, ErrorsShowTheirLine) {
  EXPECT_EQ(errors("      '\U0001F601' in ['\U0001F601']\n\t\t&& in.\U0001F601"),
            "ERROR: <input>:2:6: Syntax error: extraneous input 'in' expecting " STARTS
            "\n |   && in.\U0001F601\n | .....^\n"
            "ERROR: <input>:2:9: Syntax error: token recognition error at: '\U0001F601'"
            "\n |   && in.\U0001F601\n | ........\uff3e\n"
            "ERROR: <input>:2:10: Syntax error: no viable alternative at input '.'"
            "\n |   && in.\U0001F601\n | ........\uff0e^");
}

std::string repeated(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Parser, Limits) {
  EXPECT_EQ(errors(repeated("[", 300)),
            "ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
  EXPECT_EQ(errors("1" + repeated("+1", 250)), "");
  EXPECT_EQ(errors("1" + repeated("+1", 251)), "ERROR: <input>:-1:0: max recursion depth exceeded");
  EXPECT_EQ(errors("a" + repeated("||a", 3000)), "");
  EXPECT_EQ(errors(std::string(100'001, 'a')),
            "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100001, limit "
            "100000");
  // Each of these doubles what is before it.
  EXPECT_EQ(errors("a" + repeated(".optMap(x, x)", 200)),
            "ERROR: <input>:-1:0: expression node limit exceeded: 42616");
  EXPECT_TRUE(errors(std::string(99'999, '$')).ends_with("\n1 more errors were truncated"));
}

}  // namespace
}  // namespace tiphys::cel
