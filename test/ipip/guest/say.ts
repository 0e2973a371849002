/** What a guest program tells the host: one line per sentence that held. A failed one ends the program with status 1. */

export async function say(sentence: string, proof: () => unknown): Promise<void> {
  try {
    await proof();
    process.stdout.write(`ok ${sentence}\n`);
  } catch (error) {
    process.stdout.write(`not ok ${sentence}\n${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    process.exit(1);
  }
}
