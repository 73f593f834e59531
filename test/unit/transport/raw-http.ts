import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  /** 0 if the connection closed without an answer. */
  status: number;
  text: string;
}

/** Writes `text` to a TCP port and collects what comes back until the other side closes. */
export async function exchange(port: number, text: string | Uint8Array): Promise<string> {
  const socket = await open(port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = closing(socket);
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString('latin1');
}

export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  // A reset by the server is one of the ways to be closed; `closing` sees it.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Resolves when the connection is closed; what still arrives is read and dropped. */
export const closing = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => socket.resume().once('close', resolve));

/** One HTTP/1.1 request with exactly these header fields. */
export async function request(
  port: number,
  path: string,
  fields: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<RawAnswer> {
  const head = Object.entries({
    ...fields,
    ...(fields['Connection'] === undefined ? { Connection: 'close' } : {}),
  });
  const lines = [`${method} ${path} HTTP/1.1`, ...head.map(([name, value]) => `${name}: ${value}`), '', ''];
  const answer = await exchange(port, lines.join('\r\n'));
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
  return { status: Number(status ?? 0), text: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
}

/** Asks for an upgrade to WebSocket; resolves with the status without waiting for the connection's end. */
export async function upgrade(
  port: number,
  path: string,
  fields: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const socket = await open(port);
  const lines = [
    `GET ${path} HTTP/1.1`,
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '',
  ];
  let answer = '';
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.startsWith('HTTP/1.1 101')) resolve();
    });
    socket.once('close', () => resolve());
  });
  socket.write(lines.join('\r\n'));
  await done;
  socket.destroy();
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
  return { status: Number(status ?? 0), text: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
}
