#include "main/fixed_flags.h"

#include "base/strings.h"

namespace tiphys {
namespace {

struct Text {
  std::string_view name;
  std::string_view only;
  std::string_view usage;
};
constexpr Text kTexts[] = {
    {"allow-metric-labels", "", "Labels of metrics are fixed"},
    {"allow-metric-labels-manifest", "", "Labels of metrics are fixed"},
    {"cert-dir", "", "A certificate that isn't given is made anew at each start, and not kept"},
    {"disabled-metrics", "", "Every metric is shown"},
    {"emulated-version", "", "It behaves as one version"},
    {"http2-max-streams-per-connection", "0", "The server's own limit holds"},
    {"log-flush-frequency", "5s", "Log lines are written at once"},
    {"log-json-info-buffer-size", "0", "The log is text, and not buffered"},
    {"log-text-info-buffer-size", "0", "The log is not buffered"},
    {"logging-format", "text", "The log is text"},
    {"show-hidden-metrics-for-version", "", "No metric is hidden"},
    {"tls-sni-cert-key", "", "There is one certificate, whatever name is asked for"},
    {"vmodule", "", "One verbosity holds for all of the program"},
};

struct Switch {
  std::string_view name;
  bool only;
  std::string_view usage;
};
constexpr Switch kSwitches[] = {
    {"authentication-skip-lookup", true, "Only what flags say is believed"},
    {"authentication-tolerate-lookup-failure", true, "As --authentication-skip-lookup"},
    {"contention-profiling", false, "There are no profiles of Go to serve"},
    {"disable-http2-serving", false, "HTTP/2 is served"},
    {"log-json-split-stream", false, "The log goes to standard error"},
    {"log-text-split-stream", false, "The log goes to standard error"},
    {"permit-address-sharing", false, "SO_REUSEADDR is set, but an address in use is an error"},
    {"permit-port-sharing", false, "A port in use is an error"},
    {"profiling", false, "There are no profiles of Go to serve"},
};

ApiStatus refused(std::string_view name, std::string_view given, std::string_view only) {
  return ApiStatus::bad_request("--" + std::string(name) + "=" + std::string(given) + ": only " +
                                go_quote(only) + " is supported");
}
std::string_view word(bool yes) { return yes ? "true" : "false"; }

}  // namespace

void FixedFlags::add_to(FlagSet& flags) {
  for (const Text& row : kTexts) {
    std::string& value = texts_[std::string(row.name)] = row.only;
    flags.add(row.name, value, row.usage);
  }
  for (const Switch& row : kSwitches) {
    bool& value = switches_[std::string(row.name)] = row.only;
    flags.add(row.name, value, row.usage);
  }
}

Result<void> FixedFlags::check() const {
  for (const Text& row : kTexts) {
    const std::string& given = texts_.at(std::string(row.name));
    if (given != row.only) return refused(row.name, given, row.only);
  }
  for (const Switch& row : kSwitches) {
    bool given = switches_.at(std::string(row.name));
    if (given != row.only) return refused(row.name, word(given), word(row.only));
  }
  return {};
}

}  // namespace tiphys
