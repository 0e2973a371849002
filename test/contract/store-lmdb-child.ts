/** Writes to a store on disk until it is killed; a line for each write that was acknowledged. */
import { randomUUID } from 'node:crypto';
import { Engine } from '../../src/store/embedded/engine.ts';
import { openLmdb } from '../../src/store/embedded/lmdb-key-value.ts';
import { UNCHECKED_KINDS } from '../../src/store/embedded/served-kind.ts';
import { parseJson } from '../../src/store/json.ts';

const engine = new Engine({
  keyValue: openLmdb(process.argv[2] as string),
  kinds: UNCHECKED_KINDS,
  wall: Date.now,
  uid: randomUUID,
});
const kind = UNCHECKED_KINDS.find((k) => k.plural === 'ipamblocks');
if (kind === undefined) throw new Error('no ipamblocks');
const apiVersion = 'crd.projectcalico.org/v1';
const filler = 'x'.repeat(2000);
for (let i = 0; i < 100_000; i++) {
  const name = `block-${i % 7}`;
  const spec = { count: i, filler };
  const old = i < 7 ? undefined : (parseJson(engine.get(kind, '', name)) as { metadata: object });
  const text =
    old === undefined
      ? engine.create(kind, '', { apiVersion, kind: kind.kind, metadata: { name }, spec })
      : engine.replace(kind, '', name, { ...old, spec });
  await engine.flushed();
  const { resourceVersion } = (parseJson(text) as { metadata: { resourceVersion: string } }).metadata;
  process.stdout.write(`${i} ${resourceVersion}\n`);
}
