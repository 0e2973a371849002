/** Turns a device's transmit offloads off. Not pure: ioctl. A veth hands packets over without checksums and in 64 KB pieces,
 *  because its other end is the same machine; ours leads to a wire, so the kernel must finish packets before us.
 *  Idempotent. */
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from '../sys/constants.ts';
import * as ffi from '../sys/ffi.ts';

const SIOCETHTOOL = 0x8946;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
/** Segmentation needs scatter-gather, which needs checksums: from the dependent ones to what they stand on. */
const SET_OFF = [
  0x1f, // ETHTOOL_STSO
  0x24, // ETHTOOL_SGSO
  0x2c, // ETHTOOL_SGRO
  0x19, // ETHTOOL_SSG
  0x17, // ETHTOOL_STXCSUM
] as const;

/** Throws SysError: ENODEV when there is no such device here, EPERM without CAP_NET_ADMIN. */
export function disableOffloads(device: string): void {
  const fd = ffi.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const value = Buffer.alloc(8); // struct ethtool_value { cmd, data }
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(device.slice(0, IFNAMSIZ - 1), 'latin1');
    request.writeBigUInt64LE(ffi.addressOf(value), IFNAMSIZ);
    for (const command of SET_OFF) {
      value.writeUInt32LE(command, 0);
      value.writeUInt32LE(0, 4);
      ffi.ioctl(fd, SIOCETHTOOL, request);
    }
  } finally {
    ffi.close(fd);
  }
}
