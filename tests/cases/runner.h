// Runner: one case's steps, one after another, against a World in one mode.
#pragma once
#include <map>
#include <string>

#include "tests/cases/case_file.h"
#include "tests/cases/step_request.h"
#include "tests/cases/world.h"

namespace tiphys::cases {

enum class Mode : uint8_t {
  kJson,
  kProtobuf,  // bodies and answers in protobuf
  kRestart,   // JSON, and after every write the server is stopped and opened again
  kCluster,   // JSON, against a whole cluster: namespaces get their service account, and go
};

// Makes the case's namespace (${NS}; ${ID} begins the names of what is not in a namespace), runs
// its steps and deletes the namespace. Returns what differs ("": nothing); ends at the first step
// that does, variants aside.
std::string run_case(World& world, const Case& one, Mode mode);

}  // namespace tiphys::cases
