import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform, type Writable } from 'node:stream';

/** Towards the port that the proxy stands for, or back from it. */
type Way = 'towards' | 'back';

/** A TCP proxy in front of one port that can be cut and mended: the network between two peers. */
export class Proxy {
  readonly #server: Server;
  readonly #target: number;
  /** Where what arrives at each socket goes. */
  readonly #flows = new Map<Socket, { readonly to: Writable; readonly way: Way }>();
  readonly #held = new Set<Way>();
  #isCut = false;
  /** How much longer everything takes on slow connections, either way, milliseconds. */
  delayMs = 0;
  /** Which connections are slow, asked when they are made: by the port from which they come. */
  isSlow: (port: number) => boolean = () => true;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((near) => this.#carry(near));
  }

  static async to(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.#server.once('listening', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #carry(near: Socket): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(this.#target, '127.0.0.1');
    const isSlow = this.isSlow(near.remotePort ?? 0);
    for (const [socket, other, way] of [
      [near, far, 'towards'],
      [far, near, 'back'],
    ] as const) {
      const to = this.#delay(isSlow);
      to.pipe(other);
      this.#flows.set(socket, { to, way });
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#flows.delete(socket);
        other.destroy();
      });
      if (!this.#held.has(way)) socket.pipe(to);
    }
  }

  #delay(isSlow: boolean): Transform {
    const delayMs = (): number => (isSlow ? this.delayMs : 0);
    const waiting: Buffer[] = [];
    const flow = new Transform({
      // So much may be under way: the delay is not to be a bottleneck too.
      highWaterMark: 2 ** 24,
      transform: (bytes: Buffer, _encoding, done): void => {
        waiting.push(bytes);
        // Each timer lets the oldest go, so that nothing overtakes when the delay becomes shorter.
        const letGo = (): unknown => flow.push(waiting.shift());
        if (delayMs() === 0 && waiting.length === 1) letGo();
        else setTimeout(letGo, delayMs());
        done();
      },
      flush: (done): void => void setTimeout(done, delayMs()),
    });
    return flow;
  }

  /** Lets nothing through that way, or either way, and tells nobody: what is sent arrives when all is healed. */
  hold(which: Way | 'both'): void {
    for (const way of which === 'both' ? (['towards', 'back'] as const) : [which]) this.#held.add(way);
    for (const [socket, { to, way }] of this.#flows) if (this.#held.has(way)) socket.unpipe(to).pause();
  }

  /** Breaks what is open and lets nothing through. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#flows.keys()) socket.destroy();
  }

  /** Ends what `cut` and `hold` have begun. */
  heal(): void {
    this.#isCut = false;
    for (const [socket, { to, way }] of this.#flows) if (this.#held.has(way)) socket.pipe(to);
    this.#held.clear();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
