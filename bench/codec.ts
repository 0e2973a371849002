/** What the codec costs: UPDATEs with 1, 5 and 1000 NLRI read over a receive slab, a million routes written for a peer, and the
 *  object API beside both.
 *
 *      npm run bench:codec          writes bench/codec.md
 *
 *  One core; each kind of job has a process of its own and runs several times (BENCH_RUNS, 7); the figure is the quickest in processor time:
 *  whatever else the machine does can only add to it. The stream is made by our own packer and comes in reads of 256 KB, copied
 *  into one slab as a kernel would. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { DEPTHS, decodeFigure, makeStream, type Stream } from './codec-decode.ts';
import { type EncodeFigures, encodeFigures } from './codec-encode.ts';
import { hotOctetsPerRoute, objectOctetsPerRoute } from './codec-memory.ts';
import { markdownTable } from './markdown.ts';
import { makeTable, ROUTES, SETS } from './table.ts';

const thousands = (n: number): string => n.toLocaleString('en-US');
const rounded = (n: number): string => (n < 10 ? n.toFixed(1) : n.toFixed(0));

const UPDATE_SIZES = [1, 5, 1000];

/** One job, in a process of its own: what one leaves behind, garbage and the compiler's guesses, is none of the next one's. */
const [job, which] = process.argv.slice(2);
if (job !== undefined) {
  const table = makeTable();
  const streams = UPDATE_SIZES.map((perUpdate) => makeStream(table, perUpdate));
  const [single] = streams;
  const depth = DEPTHS[Number(which)];
  const answer =
    job === 'decode' && depth !== undefined
      ? decodeFigure(depth, streams)
      : job === 'encode'
        ? encodeFigures(table)
        : {
            hot: single === undefined ? 0 : hotOctetsPerRoute(single),
            objects: single === undefined ? 0 : objectOctetsPerRoute(single),
            streams: streams.map(({ bytes, ...rest }) => ({ ...rest, octets: bytes.length })),
          };
  console.log(JSON.stringify(answer));
  process.exit(0);
}
function ask<T>(...job: readonly string[]): T {
  const { stdout, stderr } = spawnSync(process.execPath, [process.argv[1] ?? '', ...job], { encoding: 'utf8' });
  if (stdout === '') throw new Error(`${job.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
interface Memory {
  readonly hot: number;
  readonly objects: number;
  readonly streams: readonly (Omit<Stream, 'bytes'> & { readonly octets: number })[];
}

const memory = ask<Memory>('memory');
const { streams } = memory;
const rows = DEPTHS.map((depth, i) => {
  const rates = ask<readonly number[]>('decode', `${i}`);
  console.error(`${depth.name}: ${rates.map(rounded).join(', ')} million prefixes a second`);
  return [depth.name, ...rates.map(rounded)];
});
const encoded = ask<EncodeFigures>('encode');

const text = [
  '# What the codec costs',
  '',
  `\`npm run bench:codec\`, ${new Date().toISOString().slice(0, 10)}. A made-up table of ${thousands(ROUTES)} routes in ${thousands(SETS)} attribute sets with the shape of the`,
  "Internet's; one core; the quickest of several runs, in processor time.",
  '',
  '## Reading: million prefixes a second',
  '',
  ...markdownTable([
    ['how deep', ...streams.map((s) => `${s.name} NLRI in an UPDATE`)],
    ['asked for', '5', '15', '50'],
    ...rows,
  ]),
  '',
  ...streams.map(
    (s) =>
      `- ${s.name} NLRI: ${thousands(s.messages)} messages, ${(s.octets / 1e6).toFixed(1)} MB, ${thousands(s.sets)} attribute sets.`,
  ),
  '',
  `The walk leaves ${memory.hot.toFixed(2)} octets on the heap for each route: nothing is made per route or per message. The second row adds the table`,
  'that the daemon finds a set by (src/rib), which decodes a set into objects once; it begins empty at every run. An UPDATE with',
  `one route as an object holds ${Math.round(memory.objects)} octets as long as somebody keeps it.`,
  '',
  '## Writing: a million routes for a peer in another AS',
  '',
  ...markdownTable([
    ['', 'ms'],
    ['asked for', '60'],
    ['grouped by set, next hop and AS path rewritten, packed', encoded.milliseconds.toFixed(0)],
    ['of it grouping', encoded.groupingMilliseconds.toFixed(0)],
    [`the ${thousands(SETS)} sets alone by values: decode, change, encode`, encoded.byValuesMilliseconds.toFixed(0)],
  ]),
  '',
  `${thousands(encoded.messages)} messages, ${(encoded.octets / 1e6).toFixed(1)} MB, read back and compared. Nothing is made per route or per set but the pieces of 256 KB that the`,
  'messages lie in.',
  '',
  `${os.cpus().length} CPUs ${os.cpus()[0]?.model ?? ''}, Linux ${os.release().split('-')[0]}, Node.js ${process.version}. Load average at the end: ${os.loadavg()[0]?.toFixed(1)}.`,
  '',
].join('\n');
fs.writeFileSync('bench/codec.md', text);
console.log(text);
