// What newer fields want of IP addresses and CIDRs: one family, the canonical text. Pure.
// Source: k8s.io/apimachinery/pkg/util/validation/ip.go.
#pragma once
#include <string>
#include <string_view>

#include "apiserver/validation/names.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {

Messages check_ipv4(std::string_view text);
Messages check_ipv6(std::string_view text);
// Canonical; a CIDR besides without bits beyond its prefix.
Messages check_strict_ip(std::string_view text);
Messages check_strict_cidr(std::string_view text);
// An address with its prefix, canonical: "10.9.8.7/24".
Messages check_interface_address(std::string_view text);

}  // namespace tiphys::apiserver
