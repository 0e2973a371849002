// needs: tshark
/** Another reader of the same captures: messages cut into segments, swapped and sent again, are the same to tshark and to us. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { CapturedJson } from '../../src/capture/captured-json.ts';
import { readCapture } from '../support/captured.ts';
import { readCorpus } from '../support/corpus.ts';
import { bytesOf, ethernet, packet, pcapFile, pcapngFile } from '../support/packets.ts';

const TYPES = ['', 'open', 'update', 'notification', 'keepalive', 'route-refresh'];
const MESSAGES = readCorpus().filter(
  (m) => m.outcome === 'accept' && m.bytes.length < 4096 && m.context.length === 0 && m.notTshark === undefined,
);
const STREAM = bytesOf(...MESSAGES.map((m) => m.bytes));

/** Segments of changing size; every fifth is swapped with the one before it, every seventh comes twice. */
function segments(): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = 0, i = 0; at < STREAM.length; i++) {
    const size = 40 + ((i * 37) % 300);
    const made = ethernet(packet({ sequence: 1001 + at, payload: STREAM.slice(at, at + size) }));
    if (i % 5 === 4) list.splice(-1, 0, made);
    else list.push(made);
    if (i % 7 === 6) list.push(made);
    at += size;
  }
  return [ethernet(packet({ sequence: 1000, flags: 'S' })), ...list];
}

function tsharkTypes(file: string): string[] {
  const options = ['-o', 'tcp.desegment_tcp_streams:TRUE', '-o', 'tcp.reassemble_out_of_order:TRUE'];
  const said = execFileSync('tshark', ['-n', '-r', file, ...options, '-Y', 'bgp', '-T', 'fields', '-e', 'bgp.type'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return said
    .split(/[\n,]/)
    .filter((type) => type !== '')
    .map((type) => TYPES[Number(type)] ?? type);
}

test.each([
  ['pcap', pcapFile(1, segments())],
  ['pcapng', pcapngFile(1, segments())],
])('%s: the same messages in the same order', (name, bytes) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-tshark-'));
  try {
    const file = path.join(folder, `capture.${name}`);
    fs.writeFileSync(file, bytes);
    const ours = readCapture(bytes).map((item: CapturedJson) => item.type);
    expect(ours).toEqual(MESSAGES.map((m) => TYPES[m.bytes[18] ?? 0]));
    expect(tsharkTypes(file)).toEqual(ours);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
