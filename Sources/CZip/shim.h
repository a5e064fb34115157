// libzip, for npz archives.
#include <zip.h>
