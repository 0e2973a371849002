/** A file that is there whole or not at all. Not pure: files. */
import fs from 'node:fs';

let counter = 0;

/** Write beside, then rename: a reader after a crash sees the old content or the new. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${++counter}.tmp`;
  try {
    await fs.promises.writeFile(temporary, text, { mode: 0o600 });
    await fs.promises.rename(temporary, file);
  } catch (error) {
    await fs.promises.rm(temporary, { force: true });
    throw error;
  }
}
