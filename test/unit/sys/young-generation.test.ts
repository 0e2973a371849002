/** In a process of its own: what is done to V8 is done for good. */
import { execFileSync } from 'node:child_process';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

const MODULE = new URL('../../../src/sys/young-generation.ts', import.meta.url).pathname;

/** Megabytes of the young generation after many objects have outlived a scavenge. */
function grown(first: string): number {
  const contents = `
    import v8 from 'node:v8';
    import { freezeYoungGeneration } from '${MODULE}';
    ${first}
    let kept = [];
    for (let i = 0; i < 1e6; i++) {
      kept.push({ i, list: [i] });
      if (kept.length > 20_000) kept = kept.slice(10_000);
    }
    console.log(v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 2 ** 20);`;
  const stdin = { contents, resolveDir: '/' };
  const { outputFiles } = buildSync({ stdin, bundle: true, platform: 'node', format: 'esm', write: false });
  const script = outputFiles[0]?.text ?? '';
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('the young generation grows no more once it is frozen', () => {
  expect(grown('')).toBeGreaterThan(16);
  expect(grown('freezeYoungGeneration();')).toBeLessThanOrEqual(8);
});
