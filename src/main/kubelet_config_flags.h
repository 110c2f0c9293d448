// KubeletConfigFlags: the flags that stand for fields of a KubeletConfiguration, as data:
// upstream's names (deprecated there in favour of the file, and taken all the same). What is given
// on the command line becomes an overlay over the file.
//
// Used once, at start. The FlagSet must outlive overlay().
#pragma once
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "main/flags.h"

namespace tiphys {

struct KubeletConfigRow;

class KubeletConfigFlags {
 public:
  // only_shared: those that every way to run a kubelet has; else all of them.
  void add_to(FlagSet& flags, bool only_shared);
  // The fields that flags gave, as a JSON object; "" if there were none. Error: names the flag.
  Result<std::string> overlay() const;

 private:
  using Storage = std::variant<std::string, bool, int64_t, Duration, std::vector<std::string>>;
  struct Given {
    const KubeletConfigRow* row;
    Storage value;
  };
  const FlagSet* flags_ = nullptr;
  std::deque<Given> values_;
};

}  // namespace tiphys
