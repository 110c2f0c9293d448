#include "main/audit_flags.h"

namespace tiphys {

void add_audit_flags(FlagSet& flags, apiserver::audit::Options& options) {
  flags.add("audit-policy-file", options.policy_file,
            "Path to the file that defines the audit policy configuration");
  flags.add("audit-log-path", options.log_path,
            "If set, all requests coming to the apiserver will be logged to this file; '-' means "
            "standard out");
  flags.add("audit-log-format", options.log_format,
            "Format of saved audits: \"legacy\" is a line of text for each event, \"json\" "
            "structured");
  flags.add("audit-log-version", options.log_version,
            "API group and version used for serializing audit events written to log");
  flags.add("audit-log-mode", options.log_mode,
            "Strategy for sending audit events: batch writes them asynchronously, blocking blocks "
            "server responses, blocking-strict fails requests that can't be logged");
  flags.add("audit-log-batch-buffer-size", options.batch_buffer_size,
            "Events that wait to be written, in batch mode; what is more is dropped");
  flags.add("audit-log-batch-max-size", options.batch_max_size,
            "The maximum size of a batch, in batch mode");
  flags.add("audit-log-batch-max-wait", options.batch_max_wait,
            "Time to wait for a batch to fill, in batch mode");
  flags.add("audit-log-maxage", options.log_max_age,
            "Days to retain old audit log files, by the time in their name (0: for ever)");
  flags.add("audit-log-maxbackup", options.log_max_backup,
            "Old audit log files to retain (0: all)");
  flags.add("audit-log-maxsize", options.log_max_size,
            "Megabytes of the audit log file before it gets rotated (0: 100)");
  flags.add("audit-log-compress", options.log_compress, "Compress the rotated log files with gzip");
  flags.add("audit-log-truncate-enabled", options.truncate_enabled,
            "Whether event and batch truncating is enabled");
  flags.add("audit-log-truncate-max-batch-size", options.truncate_max_batch_size,
            "Maximum bytes of a batch; events are written one by one, so it only bounds "
            "--audit-log-truncate-max-event-size");
  flags.add("audit-log-truncate-max-event-size", options.truncate_max_event_size,
            "Maximum bytes of an event: it loses its request and response, and is discarded if "
            "that is not enough");
}

}  // namespace tiphys
