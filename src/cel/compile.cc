#include "cel/compile.h"

#include "cel/checker.h"
#include "cel/literal_checks.h"
#include "cel/parser.h"

namespace tiphys::cel {

Compiled compile(std::string_view text, const Environment& environment) {
  Source source(text);
  Issues issues;
  auto program = std::make_unique<Program>(parse(source, environment.has_bind(), issues),
                                           TypeTable(&environment.types()));
  if (issues.empty()) check(program->ast, environment, program->types, issues);
  if (issues.empty()) check_literals(program->ast, issues);
  if (!issues.empty()) return {nullptr, issues.text(source)};
  return {std::move(program), ""};
}

}  // namespace tiphys::cel
