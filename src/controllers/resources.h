// The resources that controllers work on, as the schema's tables know them.
#pragma once
#include <string_view>

#include "schema/resource.h"

namespace tiphys::controllers {

const schema::Resource& pods();
const schema::Resource& nodes();
const schema::Resource& namespaces();
const schema::Resource& services();
const schema::Resource& endpoints();
const schema::Resource& service_accounts();
const schema::Resource& config_maps();
const schema::Resource& secrets();
const schema::Resource& replication_controllers();
const schema::Resource& replica_sets();
const schema::Resource& deployments();
const schema::Resource& daemon_sets();
const schema::Resource& stateful_sets();
const schema::Resource& controller_revisions();
const schema::Resource& jobs();
const schema::Resource& cron_jobs();
const schema::Resource& horizontal_pod_autoscalers();
const schema::Resource& pod_disruption_budgets();
const schema::Resource& endpoint_slices();
const schema::Resource& leases();
const schema::Resource& persistent_volume_claims();
const schema::Resource& persistent_volumes();
const schema::Resource& volume_attributes_classes();
const schema::Resource& resource_quotas();
const schema::Resource& cluster_roles();
const schema::Resource& certificate_signing_requests();
const schema::Resource& service_cidrs();
const schema::Resource& ip_addresses();

// The group of "apps/v1"; of "v1": "".
std::string_view group_of(std::string_view api_version);

}  // namespace tiphys::controllers
