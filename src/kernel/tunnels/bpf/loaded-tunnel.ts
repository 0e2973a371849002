/** The maps and programs of one process: made, filled, read. Not pure: bpf(2). Attaching them is attachment.ts.
 *  The maps stay while this process lives, so that counters outlive a change of address; a new process begins with new maps,
 *  and the programs that know the old ones are replaced. */
import {
  BPF_F_NO_PREALLOC,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  createMap,
  deleteElement,
  loadTcProgram,
  lookupElement,
  programId,
  updateElement,
} from '../../../sys/bpf.ts';
import * as ffi from '../../../sys/ffi.ts';
import type { CarrierCounters } from '../tunnel-types.ts';
import type { AttachableProgram } from './attachment.ts';
import { decapsulateProgram } from './decapsulate.ts';
import { encapsulateProgram } from './encapsulate.ts';
import {
  CAUSES,
  COUNTER_BYTES,
  causeSlot,
  MOST_REMOTES,
  REMOTE_VALUE_BYTES,
  RX_SLOT,
  SLOTS,
  type TunnelMaps,
  TX_SLOT,
} from './tunnel-maps.ts';

/** What stands in the programs' text. */
export interface TunnelConstants {
  readonly local: number;
  /** ifindex of the device with `local`. */
  readonly underlay: number;
  /** ifindex of tunl0-x. */
  readonly companion: number;
}

export interface LoadedTunnel {
  /** Nodes to exchange packets with, instead of those before. Throws BpfError. */
  setRemotes(remotes: ReadonlySet<number>): void;
  /** Programs with these constants; the ones from before when nothing changed. Throws BpfError. */
  programs(constants: TunnelConstants): {
    readonly encapsulate: AttachableProgram;
    readonly decapsulate: AttachableProgram;
  };
  counters(): CarrierCounters;
  /** What is attached goes on. */
  close(): void;
}

/** Throws BpfError: EPERM where BPF is forbidden, ENOSYS where it is not compiled in. */
export function loadTunnel(): LoadedTunnel {
  const maps = createMaps();
  const value = Buffer.alloc(REMOTE_VALUE_BYTES);
  const present = new Set<number>();
  let loaded:
    | { constants: TunnelConstants; encapsulate: AttachableProgram; decapsulate: AttachableProgram }
    | undefined;
  const unload = (): void => {
    if (loaded !== undefined) for (const { fd } of [loaded.encapsulate, loaded.decapsulate]) ffi.close(fd);
    loaded = undefined;
  };
  return {
    setRemotes: (remotes) => {
      for (const address of remotes) {
        if (present.has(address)) continue;
        updateElement(maps.remotes, addressKey(address), value);
        present.add(address);
      }
      for (const address of present) {
        if (remotes.has(address)) continue;
        deleteElement(maps.remotes, addressKey(address));
        present.delete(address);
      }
    },
    programs: (constants) => {
      if (loaded === undefined || !same(loaded.constants, constants)) {
        const encapsulate = load('gingham_encap', encapsulateProgram(maps, constants));
        let decapsulate: AttachableProgram;
        try {
          decapsulate = load('gingham_decap', decapsulateProgram(maps, constants));
        } catch (error) {
          ffi.close(encapsulate.fd);
          throw error;
        }
        unload();
        loaded = { constants, encapsulate, decapsulate };
      }
      return loaded;
    },
    counters: () => readCounters(maps.counters),
    close: () => {
      unload();
      ffi.close(maps.remotes);
      ffi.close(maps.counters);
    },
  };
}

function createMaps(): TunnelMaps {
  const remotes = createMap({
    type: BPF_MAP_TYPE_HASH,
    keyBytes: 4,
    valueBytes: REMOTE_VALUE_BYTES,
    entries: MOST_REMOTES,
    flags: BPF_F_NO_PREALLOC,
    name: 'gingham_nodes',
  });
  try {
    const counters = createMap({
      type: BPF_MAP_TYPE_PERCPU_ARRAY,
      keyBytes: 4,
      valueBytes: COUNTER_BYTES,
      entries: SLOTS,
      name: 'gingham_counts',
    });
    return { remotes, counters };
  } catch (error) {
    ffi.close(remotes);
    throw error;
  }
}

function load(name: string, instructions: Buffer): AttachableProgram {
  const fd = loadTcProgram(name, instructions);
  return { fd, id: programId(fd) };
}

const same = (a: TunnelConstants, b: TunnelConstants): boolean =>
  a.local === b.local && a.underlay === b.underlay && a.companion === b.companion;

function addressKey(address: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(address);
  return key;
}

/** The kernel writes one value for each CPU that the machine may ever have, and no build of it has more than 8192. */
const MOST_CPUS = 8192;
let values: Buffer | undefined;

/** Sums over all CPUs. Numbers are exact up to 2^53. */
function readCounters(fd: number): CarrierCounters {
  values ??= Buffer.alloc(MOST_CPUS * COUNTER_BYTES);
  const into = values;
  const read = (slot: number): [packets: number, bytes: number] => {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(slot);
    if (!lookupElement(fd, key, into)) return [0, 0];
    let packets = 0;
    let bytes = 0;
    for (let at = 0; at < into.length; at += COUNTER_BYTES) {
      packets += into.readUInt32LE(at) + into.readUInt32LE(at + 4) * 0x1_0000_0000;
      bytes += into.readUInt32LE(at + 8) + into.readUInt32LE(at + 12) * 0x1_0000_0000;
    }
    return [packets, bytes];
  };
  const [txPackets, txBytes] = read(TX_SLOT);
  const [rxPackets, rxBytes] = read(RX_SLOT);
  const dropped: Record<string, number> = {};
  for (const cause of CAUSES) {
    const [packets] = read(causeSlot(cause));
    if (packets > 0) dropped[cause] = packets;
  }
  return { txPackets, txBytes, rxPackets, rxBytes, dropped };
}
