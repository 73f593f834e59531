/** A message that breaks the protocol. The link it came on is closed with this reason. */
export class MalformedMessage extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'MalformedMessage';
  }
}
