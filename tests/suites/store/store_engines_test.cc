#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

INSTANTIATE_TEST_SUITE_P(Store, StoreSuite, testing::ValuesIn(engines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace tiphys::tests
