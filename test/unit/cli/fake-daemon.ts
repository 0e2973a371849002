/** A control server on a real unix socket with made-up views, and a terminal that remembers. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runCommand } from '../../../src/cli/program.ts';
import { openControlSocket } from '../../../src/control/control-socket.ts';
import type { ControlSource } from '../../../src/control/source.ts';
import { ALONE, BLOCKS, NOW, PEERS, PODS, ROUTES, WHY } from '../control/fake-views.ts';

export interface FakeDaemon {
  readonly socket: string;
  close(): Promise<void>;
}

export async function fakeDaemon(over: Partial<ControlSource> = {}): Promise<FakeDaemon> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-cli-'));
  const socket = path.join(dir, 'control.sock');
  const source: ControlSource = {
    status: () => ALONE,
    peers: () => PEERS,
    routes: () => ROUTES,
    explain: () => WHY,
    dumpTables: () => [new Uint8Array(12)],
    blocks: () => BLOCKS,
    pods: () => PODS,
    reload: async () => ({ configPath: 'node.yaml', applied: false, faults: [], changes: [] }),
    drain: async ({ waitMs, stay }) => ({
      sessionsClosed: 3,
      routesWithdrawn: 1,
      ...(!stay && { leavesInMs: waitMs }),
    }),
    undrain: async () => ({ wasDraining: true, sessionsTold: 3 }),
    ...over,
  };
  const server = await openControlSocket({ socketPath: socket, source, log: { warn: () => {} } });
  return {
    socket,
    close: async () => {
      await server.close();
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function gingham(
  argv: readonly string[],
  env: Record<string, string> = {},
  outIsTty = false,
): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await runCommand(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env,
    outIsTty,
    now: () => NOW,
  });
  return { code, out, err };
}
