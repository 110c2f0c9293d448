// Label and field selectors: any text is read or refused, never more.
#include "apiserver/handlers/selection.h"

using namespace tiphys;
using namespace tiphys::apiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  static const schema::Resource* pods = schema::find_resource("", "v1", "pods");
  static const ObjectPtr pod = Draft(*pods->message, &pods->type->gvk).freeze();
  for (bool labels : {true, false}) {
    auto selection = make_selection(*pods, labels ? text : "", labels ? "" : text);
    if (selection && selection->predicate) (void)selection->predicate(*pod);
  }
  return 0;
}
