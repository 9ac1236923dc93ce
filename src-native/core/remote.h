#pragma once

#include <stdint.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

namespace jobslot {

// Where a lock of one host says nothing to the others.
inline bool is_remote(int fd) {
#ifdef __linux__
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0) return false;
  switch (static_cast<uint32_t>(fs.f_type)) {
    case 0x6969:      // NFS
    case 0xff534d42:  // CIFS
    case 0xfe534d42:  // SMB 2
    case 0x517b:      // SMB
    case 0x5346414f:  // AFS
    case 0x73757245:  // Coda
    case 0x00c36400:  // Ceph
    case 0x01021997:  // 9P
    case 0x0bd00bd0:  // Lustre
    case 0x7461636f:  // OCFS2
    case 0x01161970:  // GFS2
    case 0x47504653:  // GPFS
      return true;
  }
#else
  static_cast<void>(fd);
#endif
  return false;
}

}  // namespace jobslot
