import type { Config } from '../config/config.js';
import type { Life } from '../runtime/life.js';
import { Explainer } from './explain.js';
import type { History } from './history.js';
import { PeerDirectory } from './peer-directory.js';
import { Reader } from './reader.js';

/** The parts of the service that read a life's store and replica. */
export class Surface {
  readonly life: Life;
  readonly reader: Reader;
  readonly names: PeerDirectory;
  readonly explainer: Explainer;

  constructor(life: Life, { name }: Config, history: History) {
    this.life = life;
    this.reader = new Reader(life.view, ({ name: bucket }, key) =>
      life.loop?.enqueue({ kind: 'damaged', bucket, key }),
    );
    this.names = new PeerDirectory(life.replica.core, name, life.replica.members);
    this.explainer = new Explainer(this.reader, history, this.names);
  }
}
