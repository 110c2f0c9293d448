// The flags of kube-apiserver's audit log, under upstream's names.
#pragma once
#include "apiserver/audit/options.h"
#include "main/flags.h"

namespace tiphys {

// options must outlive the set.
void add_audit_flags(FlagSet& flags, apiserver::audit::Options& options);

}  // namespace tiphys
