// tiphys: Kubernetes, whole, in one binary. The first word (or the name it is linked as) picks the
// component; see command.cc for the table.
#include <cstdio>
#include <string>
#include <vector>

#include "main/command.h"
#include "main/host.h"

namespace {

const tiphys::Command* find_command(std::string_view name) {
  for (const tiphys::Command& command : tiphys::all_commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

void print_usage(FILE* out) {
  std::fprintf(out,
               "tiphys is Kubernetes, whole, in one binary.\n\nUsage:\n  tiphys COMMAND [flags]\n\n"
               "Commands:\n");
  for (const tiphys::Command& command : tiphys::all_commands()) {
    std::fprintf(out, "  %-26s%s\n", std::string(command.name).c_str(),
                 std::string(command.summary).c_str());
  }
  std::fprintf(out, "\nSee 'tiphys COMMAND --help'. 'tiphys --version' prints the version.\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv, argv + argc);
  std::string called = words.empty() ? "" : words[0].substr(words[0].rfind('/') + 1);
  if (const tiphys::Command* command = find_command(called)) {
    return command->run({words.begin() + 1, words.end()});
  }
  if (words.size() < 2 || words[1] == "--help" || words[1] == "-h" || words[1] == "help") {
    print_usage(words.size() < 2 ? stderr : stdout);
    return words.size() < 2 ? tiphys::kExitUsage : tiphys::kExitOk;
  }
  if (words[1] == "--version" || words[1] == "version") {
    std::printf("tiphys %s\n", std::string(tiphys::kVersion).c_str());
    return tiphys::kExitOk;
  }
  if (const tiphys::Command* command = find_command(words[1])) {
    return command->run({words.begin() + 2, words.end()});
  }
  std::fprintf(stderr, "Error: unknown command \"%s\" for \"tiphys\"\nRun 'tiphys --help'.\n",
               words[1].c_str());
  return tiphys::kExitUsage;
}
