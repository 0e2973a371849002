/** The TCP connection to a monitoring station. It only writes: a station never answers. RFC 7854 3.2 */
import net from 'node:net';
import { formatIp, type IpAddress } from '../base/ip.ts';
import type { BmpStreamOwner } from './bmp-exporter.ts';

const CONNECT_MS = 10_000;
/** The station's host may vanish without a word. */
const KEEPALIVE_MS = 30_000;

export function dialStation(address: IpAddress, port: number, owner: BmpStreamOwner): void {
  const socket = net.connect({ host: formatIp(address), port, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS });
  let told = false;
  const close = (code: string, text: string): void => {
    if (told) return;
    told = true;
    socket.destroy();
    owner.onClose({ code, text });
  };
  const timer = setTimeout(() => close('TCP_TIMEOUT', `no answer within ${CONNECT_MS / 1000} s`), CONNECT_MS);
  socket.on('connect', () => {
    clearTimeout(timer);
    owner.onOpen({
      write: (octets) => socket.write(octets),
      get unsent() {
        return socket.writableLength;
      },
      end(lastOctets) {
        told = true;
        socket.end(lastOctets);
        socket.setTimeout(1000, () => socket.destroy());
      },
    });
  });
  socket.on('drain', () => owner.onDrain());
  // What it says is nothing we know; unread it would keep the end of the stream from being seen.
  socket.resume();
  socket.on('error', (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    close(error.code === 'ECONNREFUSED' ? 'TCP_REFUSED' : 'TCP_CLOSED', error.message);
  });
  socket.on('close', () => {
    clearTimeout(timer);
    close('TCP_CLOSED', 'the station closed the connection');
  });
}
