/** Prints every frame that eth0 of this network namespace sends or receives, as a line of hex; "ready" when it listens.
 *  Instead of tcpdump, which gives up root's groups at start and may not in an ordinary user's namespace. */
import { openNetlink } from '../../src/netlink/client.ts';
import { getLink } from '../../src/netlink/read.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from '../../src/sys/constants.ts';
import { openFdSocket } from '../../src/sys/fd-socket.ts';
import * as ffi from '../../src/sys/ffi.ts';

/** All protocols, in network order as socket() and bind() want it. */
const ETH_P_ALL = 0x0300;

const client = await openNetlink();
const eth0 = await getLink(client, 'eth0');
client.close();
if (!eth0) throw new Error('there is no eth0 here');

const fd = ffi.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
const address = Buffer.alloc(20); // struct sockaddr_ll
address.writeUInt16LE(AF_PACKET, 0);
address.writeUInt16LE(ETH_P_ALL, 2);
address.writeInt32LE(eth0.index, 4);
ffi.bind(fd, address);
openFdSocket(
  fd,
  (bytes, length) => process.stdout.write(`${bytes.toString('hex', 0, length)}\n`),
  (error) => {
    throw error;
  },
);
process.stdout.write('ready\n');
