// needs: root ip bird
/** The matrix's column of bird. */
import { bird } from './bird.ts';
import { tryDaemon } from './matrix-run.ts';

tryDaemon(bird);
