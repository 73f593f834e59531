import type { RumeurError } from '../base/errors.js';
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

  /** @param closed why nothing may be read any more, when the peer is closed */
  constructor(life: Life, { name }: Config, history: History, closed: () => RumeurError | undefined) {
    this.life = life;
    this.reader = new Reader(
      life.view,
      ({ name: bucket }, key) => life.loop?.enqueue({ kind: 'damaged', bucket, key }),
      () => closed() ?? life.handle.over,
    );
    this.names = new PeerDirectory(life.replica.core, name, life.replica.members);
    this.explainer = new Explainer(this.reader, history, this.names);
  }
}
