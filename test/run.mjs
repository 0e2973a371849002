/** npm test: runs what this machine and this user can run, installs nothing, and ends with a table of what ran, what was
 *  skipped and why. `npm test -- FILE…` or a tier's name narrows it. With CI=true a skip is a failure. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NEEDS, needsOf } from './needs.mjs';

const TIERS = ['unit', 'property', 'contract', 'netns', 'interop', 'kube', 'ipip', 'kind'];
/** Minutes: they run when they are named, and under CI. */
const LONG_TIERS = ['kube', 'kind'];
const ci = process.env.CI === 'true';
const top = path.resolve(import.meta.dirname, '..');
process.chdir(top);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((w) => !TIERS.includes(w) && !fs.existsSync(w));
if (unknown.length > 0) {
  console.error(`npm test: ${unknown.join(', ')} is neither a test file nor a tier (${TIERS.join(', ')}).`);
  process.exit(2);
}

const inTier = (tier) =>
  fs
    .readdirSync(`test/${tier}`, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.test.ts'))
    .map((f) => `test/${tier}/${f}`)
    .sort();
const asked = (file, tier) =>
  (wanted.length === 0 && (ci || !LONG_TIERS.includes(tier))) ||
  wanted.some((w) => w === tier || path.relative(top, path.resolve(w)) === file);

/** What failed in a file, each with the first lines of why: told again at the end, where whoever reads only that finds it. */
function failuresOf({ name, status, message, assertionResults }) {
  const file = path.relative(top, name);
  const failed = assertionResults.filter((a) => a.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [{ name: file, why: message }] : [];
  return failed.map((a) => ({ name: `${file} > ${a.fullName}`, why: a.failureMessages.join('\n') }));
}

/** One vitest run per tier: kernel tiers run alone and one file at a time, and the count per tier is exact. */
function runTier(tier, files) {
  const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-test-')), 'report.json');
  const began = Date.now();
  const run = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config',
      'test/vitest.config.ts',
      '--project',
      tier,
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${report}`,
      ...files,
    ],
    { stdio: 'inherit' },
  );
  const seconds = (Date.now() - began) / 1000;
  const counted = fs.existsSync(report) ? JSON.parse(fs.readFileSync(report, 'utf8')) : undefined;
  fs.rmSync(path.dirname(report), { recursive: true, force: true });
  const passed = counted?.numPassedTests ?? 0;
  const skipped = (counted?.numPendingTests ?? 0) + (counted?.numTodoTests ?? 0);
  // A file that does not even load fails no test of its own, so the exit status has a say.
  const failed = counted?.numFailedTests || (run.status === 0 ? 0 : 1);
  return { passed, failed, skipped, seconds, failures: (counted?.testResults ?? []).flatMap(failuresOf) };
}

const WHY_LINES = 12;
const indented = (why) =>
  why
    .trimEnd()
    .split('\n')
    .filter((line) => !line.includes('node_modules'))
    .slice(0, WHY_LINES)
    .map((line) => `        ${line}`)
    .join('\n');

const skippedFiles = [];
// All tiers before the first one runs: a need that is misspelt is told at once, not after half an hour.
const plan = TIERS.map((tier) => {
  const files = fs.existsSync(`test/${tier}`) ? inTier(tier).filter((f) => asked(f, tier)) : [];
  const able = files.filter((file) => {
    const { unmet } = needsOf(file);
    if (unmet.length > 0) skippedFiles.push({ file, unmet });
    return unmet.length === 0;
  });
  return { tier, able };
}).filter(({ able }) => able.length > 0);
const rows = plan.map(({ tier, able }) => ({ tier, files: able.length, ...runTier(tier, able) }));

const total = (key) => rows.reduce((sum, row) => sum + row[key], 0);
console.log('\nTIER       FILES  PASSED  FAILED  SKIPPED  SECONDS');
for (const r of rows)
  console.log(
    `${r.tier.padEnd(9)}${String(r.files).padStart(7)}${String(r.passed).padStart(8)}${String(r.failed).padStart(8)}${String(r.skipped).padStart(9)}${r.seconds.toFixed(1).padStart(9)}`,
  );
for (const { name, why } of rows.flatMap((row) => row.failures)) console.log(`failed  ${name}\n${indented(why)}`);
for (const tier of wanted.length > 0 || ci ? [] : LONG_TIERS)
  console.log(`not run  ${tier}: long; npm run test:${tier}`);
for (const { file, unmet } of skippedFiles)
  console.log(`skipped  ${file}: needs ${unmet.map((n) => `${n} (${NEEDS[n].mend})`).join(', ')}`);

const skipped = total('skipped') + skippedFiles.length;
const failed = total('failed') + (ci ? skipped : 0);
if (ci && skipped > 0) console.log(`${skipped} skipped: under CI nothing may be`);
console.log(`\n${total('passed')} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || total('passed') === 0 ? 1 : 0);
