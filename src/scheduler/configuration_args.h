// Arguments of plugins in a configuration: the kinds of their `args`, decoding, defaults. Internal
// to configuration*.cc. Pure.
#pragma once
#include <string_view>

#include "codec/codec.h"
#include "kinds/scheduler_v1.h"

namespace tiphys::scheduler {

// KubeSchedulerConfiguration and the kinds of plugins' arguments.
const codec::Scheme& configuration_scheme();
const schema::Kind& configuration_kind();
// "NodeAffinity" -> NodeAffinityArgs; null: a plugin without arguments, or nobody's.
const schema::Kind* args_kind(std::string_view plugin);
void apply_args_defaults(Draft& args);
// Requires: `args` holds a struct that decoded before.
Draft decoded_args(const schema::Kind& kind, std::string_view args);
// The args of a plugin in a profile with defaults filled in; the plugin's defaults if there are
// none. Requires: the plugin has arguments.
Draft args_of(const scheduler_v1::KubeSchedulerProfile& profile, std::string_view plugin);

}  // namespace tiphys::scheduler
