/** The CRD files of deploy/, as texts. */
import fs from 'node:fs';

const folder = new URL('../../deploy/crds/', import.meta.url);
export const CRDS: readonly string[] = fs
  .readdirSync(folder)
  .filter((f) => f.endsWith('.yaml') && f !== 'kustomization.yaml')
  .sort()
  .map((f) => fs.readFileSync(new URL(f, folder), 'utf8'));
