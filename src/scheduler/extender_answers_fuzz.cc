// An extender's answer from anyone: the first byte says to which question.
#include "kinds/core_v1.h"
#include "scheduler/extender_answers.h"

using namespace tiphys;
using namespace tiphys::scheduler;

namespace {

ObjectPtr node_named(std::string_view name) {
  Draft draft(core_v1::Node::message_type());
  core_v1::NodeEdit(draft).edit_metadata().set_name(name);
  return draft.freeze();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const std::vector<std::string> kOffered = {"n1", "n2"};
  ExtenderConfig config{.weight = 7, .node_cache_capable = (data[0] & 8) != 0};
  Snapshot snapshot;
  snapshot.set_node(node_named("n1"));
  switch (data[0] & 3) {
    case 0: {
      auto answer = read_filter_answer(config, kOffered, body);
      if (answer && answer->nodes.size() > kOffered.size()) __builtin_trap();
      break;
    }
    case 1:
      (void)read_priorities(config, body);
      break;
    case 2: {
      // There are no pods: nobody can be a victim.
      auto answer = read_preemption_answer(config, snapshot, body);
      if (answer && !answer->empty()) __builtin_trap();
      break;
    }
    default:
      (void)read_binding_answer(body);
  }
  return 0;
}
