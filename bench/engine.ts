/** The routing engine beside BIRD and others: engine/main.ts. */
import { main } from './engine/main.ts';

await main();
process.exit(0);
