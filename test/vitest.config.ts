/** One project per tier. Kernel tiers run their files one after the other: they share one machine's namespaces. */
import { defineConfig } from 'vitest/config';

const serial = { pool: 'forks' as const, fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 };
const text = {
  name: 'text',
  transform: (code: string, id: string) =>
    id.endsWith('.proto') ? { code: `export default ${JSON.stringify(code)};`, map: null } : undefined,
};

export default defineConfig({
  plugins: [text],
  test: {
    root: new URL('..', import.meta.url).pathname,
    projects: [
      { plugins: [text], test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      { plugins: [text], test: { name: 'property', include: ['test/property/**/*.test.ts'], testTimeout: 60_000 } },
      { plugins: [text], test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000 } },
      { plugins: [text], test: { name: 'netns', include: ['test/netns/**/*.test.ts'], ...serial } },
      { plugins: [text], test: { name: 'interop', include: ['test/interop/**/*.test.ts'], ...serial } },
      {
        plugins: [text],
        test: {
          name: 'kube',
          include: ['test/kube/**/*.test.ts'],
          ...serial,
          hookTimeout: 2_400_000, // the first time, kube-apiserver is built
        },
      },
      {
        plugins: [text],
        test: {
          name: 'ipip',
          include: ['test/ipip/**/*.test.ts'],
          ...serial,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        plugins: [text],
        test: { name: 'kind', include: ['test/kind/**/*.test.ts'], ...serial, hookTimeout: 600_000 },
      },
    ],
  },
});
