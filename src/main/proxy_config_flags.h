// ProxyConfigFlags: the flags that stand for fields of a KubeProxyConfiguration, as data:
// upstream's names. With --config they are ignored, as upstream documents, and named in a warning;
// --hostname-override alone wins over the file.
//
// Used once, at start. The FlagSet must outlive configuration().
#pragma once
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "main/flags.h"
#include "proxy/config/configuration.h"

namespace tiphys {

struct ProxyConfigRow;

class ProxyConfigFlags {
 public:
  void add_to(FlagSet& flags);
  // Of the file or the flags, with defaults, valid. Error: the file can't be read, or is wrong.
  Result<proxy::Configuration> configuration() const;
  // "": none.
  const std::string& file() const { return config_file_; }
  // --hostname-override, else what the configuration says.
  std::string hostname(const proxy::Configuration& config) const;
  // Address given as "", or port as 0: nothing is served there.
  bool no_healthz() const;
  bool no_metrics() const;

 private:
  using Storage =
      std::variant<std::string, bool, int64_t, double, Duration, std::vector<std::string>>;
  struct Given {
    const ProxyConfigRow* row;
    Storage value;
    int64_t port = 0;  // of row.port_flag
  };
  Result<std::string> overlay() const;
  std::string json_of(const Given& given) const;
  bool serves(std::string_view path) const;
  void tell_deprecated() const;
  void tell_ignored() const;

  const FlagSet* flags_ = nullptr;
  std::string config_file_;
  std::string hostname_override_;
  std::vector<std::string> gates_;
  bool masquerade_all_ = false;
  std::deque<Given> values_;
};

}  // namespace tiphys
