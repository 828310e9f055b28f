/* What the library says about itself. */
#include "native.h"

/* Return the number of the interface that this library was compiled with. */
EXPORT int32_t abi_version(void) {
    return ABI_VERSION;
}

/* Return the hash of the sources that this library was compiled from (hatch_build.py). */
EXPORT uint64_t source_hash(void) {
    return SOURCE_HASH;
}
