// zlib, for gzip files and checksums.
#include <zlib.h>
